// Runs inside a container: reports about itself, tries things, and says in JSON how they went.
//
// usage: probe [TRY ...] [wait | exit N | fault | signals | signal N]
//
// The first argument may be `to FILE`: the report goes there. Else it goes to standard output.
// TRY is one argument, its words divided by blanks:
//   open PATH [r|w|rw|x]     open(2); x: O_CREAT | O_EXCL
//   read PATH, write PATH TEXT, list PATH, link PATH (readlink), stat PATH, follow PATH (stat(2))
//   mkdir PATH, rmdir PATH, remove PATH, mknod PATH TYPE MAJOR MINOR, chown PATH UID GID, symlink TO PATH
//   run PATH                 fork, execve, wait: the exit status, or -SIGNAL
//   child TRY...             the rest of the words as a try in a child: -SIGNAL when it is killed
//   mount SOURCE TARGET TYPE, chroot PATH, setuid UID, setrlimit N SOFT HARD
//   syscall NR ARG...        by number
//   call32 NR ARG            by number of the 32-bit interface (x86-64 only)
//   send PATH TEXT           a datagram to a Unix socket
//   clock N                  clock_gettime(2) in seconds
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "json.h"

extern char** environ;

static char buffer[1 << 20];

static const char* read_text(const char* path) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  size_t size = 0;
  if (fd >= 0) {
    ssize_t got;
    while (size < sizeof buffer - 1 &&
           (got = read(fd, buffer + size, sizeof buffer - 1 - size)) > 0)
      size += (size_t)got;
    close(fd);
  }
  buffer[size] = 0;
  return buffer;
}

static void report_list(const char* key, char** texts) {
  json_open(key, '[');
  for (; *texts != NULL; texts++) json_string(NULL, *texts);
  json_close(']');
}

static void report_ids(void) {
  uid_t u[3];
  gid_t g[3];
  gid_t groups[65536];
  getresuid(&u[0], &u[1], &u[2]);
  getresgid(&g[0], &g[1], &g[2]);
  json_open("uids", '[');
  for (int i = 0; i < 3; i++) json_number(NULL, u[i]);
  json_close(']');
  json_open("gids", '[');
  for (int i = 0; i < 3; i++) json_number(NULL, g[i]);
  json_close(']');
  const int count = getgroups(65536, groups);
  json_open("groups", '[');
  for (int i = 0; i < count; i++) json_number(NULL, groups[i]);
  json_close(']');
  json_number("pid", getpid());
  json_number("ppid", getppid());
  json_number("pgid", getpgrp());
  json_number("sid", getsid(0));
  const mode_t mask = umask(0);
  umask(mask);
  json_number("umask", mask);
}

// Every "Name:\tvalue" line of /proc/self/status.
static void report_status(void) {
  json_open("status", '{');
  read_text("/proc/self/status");
  for (char* line = buffer; *line != 0;) {
    char* end = strchr(line, '\n');
    if (end != NULL) *end = 0;
    char* colon = strchr(line, ':');
    if (colon != NULL) {
      *colon++ = 0;
      while (*colon == '\t' || *colon == ' ') colon++;
      json_string(line, colon);
    }
    if (end == NULL) break;
    line = end + 1;
  }
  json_close('}');
}

static void report_lines(const char* key, const char* path) {
  json_open(key, '[');
  read_text(path);
  for (char* line = strtok(buffer, "\n"); line != NULL; line = strtok(NULL, "\n"))
    json_string(NULL, line);
  json_close(']');
}

static void report_limits(void) {
  json_open("rlimits", '[');
  for (int i = 0; i < 16; i++) {
    uint64_t limit[2];
    syscall(SYS_prlimit64, 0, i, NULL, limit);
    json_open(NULL, '{');
    json_u64("soft", limit[0]);
    json_u64("hard", limit[1]);
    json_close('}');
  }
  json_close(']');
}

static void report_scheduling(void) {
  struct {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
  } a = {0};
  syscall(SYS_sched_getattr, 0, &a, sizeof a, 0);
  json_open("scheduler", '{');
  json_number("policy", a.policy);
  json_number("flags", (long long)a.flags);
  json_number("nice", a.nice);
  json_number("priority", a.priority);
  json_number("runtime", (long long)a.runtime);
  json_number("deadline", (long long)a.deadline);
  json_number("period", (long long)a.period);
  json_close('}');
  json_number("ioPriority", syscall(SYS_ioprio_get, 1, 0));
  json_number("personality", personality(0xffffffff));
  json_number("oomScoreAdj", atoi(read_text("/proc/self/oom_score_adj")));
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  json_open("affinity", '[');
  if (sched_getaffinity(0, sizeof cpus, &cpus) == 0)
    for (int i = 0; i < CPU_SETSIZE; i++)
      if (CPU_ISSET(i, &cpus)) json_number(NULL, i);
  json_close(']');
}

static void report_link(const char* key, const char* path) {
  char target[4096];
  const ssize_t size = readlink(path, target, sizeof target - 1);
  target[size < 0 ? 0 : size] = 0;
  json_string(key, target);
}

static void report_namespaces(void) {
  static const char* const names[] = {"cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"};
  json_open("namespaces", '{');
  for (int i = 0; i < 8; i++) {
    char path[64];
    snprintf(path, sizeof path, "/proc/self/ns/%s", names[i]);
    report_link(names[i], path);
  }
  json_close('}');
  struct utsname name;
  uname(&name);
  json_string("hostname", name.nodename);
  json_string("domainname", name.domainname);
  json_string("machine", name.machine);
}

static void report_descriptors(void) {
  DIR* dir = opendir("/proc/self/fd");
  json_open("fds", '{');
  for (struct dirent* entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
    char path[300];
    if (entry->d_name[0] == '.' || atoi(entry->d_name) == dirfd(dir)) continue;
    snprintf(path, sizeof path, "/proc/self/fd/%s", entry->d_name);
    report_link(entry->d_name, path);
  }
  json_close('}');
  if (dir != NULL) closedir(dir);
}

static void report_terminal(void) {
  struct winsize size = {0};
  struct termios modes;
  const int tty = open("/dev/tty", O_RDWR | O_CLOEXEC);
  json_open("terminal", '{');
  json_bool("stdin", isatty(0));
  json_bool("controlling", tty >= 0);
  json_number("foreground", tty >= 0 ? tcgetpgrp(tty) : -1);
  if (ioctl(0, TIOCGWINSZ, &size) < 0) size.ws_row = size.ws_col = 0;
  json_number("rows", size.ws_row);
  json_number("columns", size.ws_col);
  json_bool("onlcr", tcgetattr(0, &modes) == 0 && (modes.c_oflag & ONLCR) != 0);
  json_close('}');
  if (tty >= 0) close(tty);
}

static void report_keyring(void) {
  char text[512];
  const long size =
      syscall(SYS_keyctl, KEYCTL_DESCRIBE, KEY_SPEC_SESSION_KEYRING, text, sizeof text);
  json_string("keyring", size < 0 ? strerror(errno) : text);
}

static void report(char** argv) {
  report_descriptors();  // before this program opens anything
  report_list("argv", argv);
  report_list("env", environ);
  json_string("cwd", getcwd(buffer, sizeof buffer) == NULL ? "" : buffer);
  report_ids();
  report_status();
  report_limits();
  report_scheduling();
  report_namespaces();
  report_terminal();
  report_keyring();
  report_lines("mounts", "/proc/self/mountinfo");
  report_lines("cgroups", "/proc/self/cgroup");
  json_number("dumpable", prctl(PR_GET_DUMPABLE));
  int signal = 0;
  prctl(PR_GET_PDEATHSIG, &signal);
  json_number("parentDeathSignal", signal);
  json_number("secureBits", prctl(PR_GET_SECUREBITS));
}

// --- tries

static long long result;  // negative with errno set: failure

static void report_stat(const char* path, int flags) {
  struct stat s;
  result = fstatat(AT_FDCWD, path, &s, flags);
  if (result < 0) return;
  static const char* const types[] = {"",     "fifo", "char", "", "directory", "", "block", "",
                                      "file", "",     "link", "", "socket",    "", "",      ""};
  const int error = errno;
  json_string("type", types[(s.st_mode & S_IFMT) >> 12]);
  json_number("mode", s.st_mode & 07777);
  json_number("uid", s.st_uid);
  json_number("gid", s.st_gid);
  json_number("size", s.st_size);
  json_number("major", major(s.st_rdev));
  json_number("minor", minor(s.st_rdev));
  json_number("links", (long long)s.st_nlink);
  json_u64("inode", s.st_ino);
  json_u64("device", s.st_dev);
  errno = error;
}

static void report_entries(const char* path) {
  DIR* dir = opendir(path);
  result = dir == NULL ? -1 : 0;
  if (dir == NULL) return;
  json_open("entries", '[');
  for (struct dirent* entry; (entry = readdir(dir)) != NULL;)
    if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
      json_string(NULL, entry->d_name);
  json_close(']');
  closedir(dir);
}

static void read_file(const char* path) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  result = fd < 0 ? -1 : read(fd, buffer, sizeof buffer);
  const int error = errno;
  if (result >= 0) {
    json_key("text");
    json_bytes(buffer, (size_t)result);
  }
  if (fd >= 0) close(fd);
  errno = error;
}

static void write_file(const char* path, const char* text) {
  const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  result = fd < 0 ? -1 : write(fd, text, strlen(text));
  const int error = errno;
  if (fd >= 0) close(fd);
  errno = error;
}

static void open_file(const char* path, const char* how) {
  int flags = O_RDONLY;
  if (strcmp(how, "w") == 0) flags = O_WRONLY;
  if (strcmp(how, "rw") == 0) flags = O_RDWR;
  if (strcmp(how, "x") == 0) flags = O_CREAT | O_EXCL | O_WRONLY;
  const int fd = open(path, flags | O_CLOEXEC | O_NONBLOCK, 0666);
  result = fd;
  if (fd < 0) return;
  result = 0;
  close(fd);
}

static int status_of(pid_t pid) {
  int status = 0;
  waitpid(pid, &status, 0);
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static void run_program(char* path) {
  char* argv[] = {path, NULL};
  fflush(stdout);
  const pid_t pid = fork();
  if (pid == 0) {
    const int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (null >= 0) dup2(null, 1);
    execve(path, argv, environ);
    _exit(errno == EACCES ? 126 : 127);
  }
  json_number("status", status_of(pid));
}

static long long number_of(const char* text) { return (long long)strtoull(text, NULL, 0); }

static void system_call(char** word) {
  long a[7] = {0};
  for (int i = 0; i < 7 && word[i] != NULL; i++) a[i] = (long)number_of(word[i]);
  result = syscall(a[0], a[1], a[2], a[3], a[4], a[5], a[6]);
}

static void call_32bit(char** word) {
#ifdef __x86_64__
  const long number = (long)number_of(word[0]);
  const long argument = word[1] == NULL ? 0 : (long)number_of(word[1]);
  int value;
  __asm__ volatile("int $0x80"
                   : "=a"(value)
                   : "0"(number), "b"(argument)
                   : "memory", "r8", "r9", "r10", "r11");
  result = value < 0 ? -1 : value;
  errno = value < 0 ? -value : 0;
#else
  (void)word;
  result = -1;
  errno = ENOSYS;
#endif
}

static void send_datagram(const char* path, const char* text) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strncpy(address.sun_path, path, sizeof address.sun_path - 1);
  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  result = sendto(fd, text, strlen(text), 0, (const struct sockaddr*)&address, sizeof address);
  if (result > 0) result = 0;
  const int error = errno;
  close(fd);
  errno = error;
}

static void read_clock(const char* number) {
  struct timespec time = {0};
  result = clock_gettime((clockid_t)atoi(number), &time);
  if (result == 0) json_number("seconds", time.tv_sec);
}

static void make_node(char** word) {
  const mode_t type = word[2][0] == 'b' ? S_IFBLK : word[2][0] == 'p' ? S_IFIFO : S_IFCHR;
  const bool numbers = word[3] != NULL && word[4] != NULL;
  result = mknod(word[1], type | 0600, numbers ? makedev(atoi(word[3]), atoi(word[4])) : 0);
}

static void set_limit(char** word) {
  const struct rlimit limit = {(rlim_t)number_of(word[2]), (rlim_t)number_of(word[3])};
  result = setrlimit(atoi(word[1]), &limit);
}

static void attempt_words(char** word, int count);

static void attempt_in_child(char** word, int count) {
  fflush(stdout);
  const pid_t pid = fork();
  if (pid == 0) {
    (void)!freopen("/dev/null", "w", stdout);
    attempt_words(word, count);
    _exit(result < 0 ? errno : 0);
  }
  json_number("status", status_of(pid));
}

static void attempt_words(char** word, int count) {
  const char* what = word[0];
  const char* path = count > 1 ? word[1] : "";
  result = 0;
  errno = 0;
  if (strcmp(what, "open") == 0)
    open_file(path, count > 2 ? word[2] : "r");
  else if (strcmp(what, "read") == 0)
    read_file(path);
  else if (strcmp(what, "write") == 0)
    write_file(path, count > 2 ? word[2] : "");
  else if (strcmp(what, "list") == 0)
    report_entries(path);
  else if (strcmp(what, "stat") == 0)
    report_stat(path, AT_SYMLINK_NOFOLLOW);
  else if (strcmp(what, "follow") == 0)
    report_stat(path, 0);
  else if (strcmp(what, "mkdir") == 0)
    result = mkdir(path, 0777);
  else if (strcmp(what, "rmdir") == 0)
    result = rmdir(path);
  else if (strcmp(what, "remove") == 0)
    result = unlink(path);
  else if (strcmp(what, "chroot") == 0)
    result = chroot(path);
  else if (strcmp(what, "setuid") == 0)
    result = setuid((uid_t)atoi(path));
  else if (strcmp(what, "run") == 0)
    run_program(word[1]);
  else if (strcmp(what, "clock") == 0)
    read_clock(path);
  else if (strcmp(what, "syscall") == 0)
    system_call(word + 1);
  else if (strcmp(what, "call32") == 0)
    call_32bit(word + 1);
  else if (strcmp(what, "child") == 0)
    attempt_in_child(word + 1, count - 1);
  else if (strcmp(what, "symlink") == 0 && count > 2)
    result = symlink(path, word[2]);
  else if (strcmp(what, "mknod") == 0 && count > 2)
    make_node(word);
  else if (strcmp(what, "setrlimit") == 0 && count > 3)
    set_limit(word);
  else if (strcmp(what, "chown") == 0 && count > 3)
    result = lchown(path, (uid_t)atoi(word[2]), (gid_t)atoi(word[3]));
  else if (strcmp(what, "send") == 0 && count > 2)
    send_datagram(path, word[2]);
  else if (strcmp(what, "mount") == 0 && count > 3)
    result = mount(path, word[2], word[3], 0, NULL);
  else if (strcmp(what, "link") == 0) {
    result = readlink(path, buffer, sizeof buffer - 1);
    buffer[result < 0 ? 0 : result] = 0;
    json_string("text", buffer);
  } else {
    fprintf(stderr, "probe: unknown try %s\n", what);
    _exit(99);
  }
}

static void attempt(const char* text) {
  char copy[65536];
  char* word[16] = {0};
  int count = 0;
  snprintf(copy, sizeof copy, "%s", text);
  for (char* at = strtok(copy, " "); at != NULL && count < 15; at = strtok(NULL, " "))
    word[count++] = at;
  if (count == 0) return;
  json_open(NULL, '{');
  json_string("try", text);
  attempt_words(word, count);
  json_number("errno", result < 0 ? errno : 0);
  json_number("result", result);
  json_close('}');
}

// --- what to do at the end

static void on_signal(int number) {
  char line[16];
  const int size = snprintf(line, sizeof line, "%d\n", number);
  (void)!write(1, line, (size_t)size);
  if (number == SIGTERM) _exit(0);
}

// Prints the number of each signal; SIGTERM ends it with status 0.
static void print_signals(void) {
  for (int number = 1; number <= 64; number++) (void)signal(number, on_signal);
  (void)!write(1, "ready\n", 6);
  for (;;) pause();
}

// Waits for one signal, prints its number and the size of the terminal.
static void print_signal(int number) {
  sigset_t set;
  struct winsize size = {0};
  sigemptyset(&set);
  sigaddset(&set, number);
  sigprocmask(SIG_BLOCK, &set, NULL);
  (void)!write(1, "ready\n", 6);
  while (sigwaitinfo(&set, NULL) != number) {
  }
  (void)ioctl(0, TIOCGWINSZ, &size);
  printf("signal %d, %d rows, %d columns\n", number, size.ws_row, size.ws_col);
}

static void end_of_wait(int number) { _exit(128 + number); }

int main(int argc, char** argv) {
  int at = 1;
  if (argc > 1 && strncmp(argv[1], "to ", 3) == 0) {
    const int file = open(argv[1] + 3, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (file < 0 || dup2(file, 1) < 0) return 98;
    at = 2;
  }
  json_open(NULL, '{');
  report(argv);
  json_open("tries", '[');
  const char* end = "";
  for (; at < argc; at++) {
    end = argv[at];
    if (strcmp(end, "wait") == 0 || strcmp(end, "exit") == 0 || strcmp(end, "fault") == 0 ||
        strcmp(end, "signals") == 0 || strcmp(end, "signal") == 0)
      break;
    attempt(argv[at]);
    end = "";
  }
  json_close(']');
  json_close('}');
  putchar('\n');
  fflush(stdout);
  const int number = at + 1 < argc ? atoi(argv[at + 1]) : 0;
  if (strcmp(end, "exit") == 0) return number;
  if (strcmp(end, "signals") == 0) print_signals();
  if (strcmp(end, "signal") == 0) print_signal(number);
  if (strcmp(end, "wait") == 0) {
    (void)signal(SIGTERM, end_of_wait);  // pid 1 has no default actions
    for (;;) pause();
  }
  // Signals that pid 1 sends itself are lost, but not those that the kernel forces on it.
  if (strcmp(end, "fault") == 0) __builtin_trap();
  return 0;
}
