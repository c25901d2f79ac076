// The other side of what a runtime talks to, for tests: Node.js can neither receive descriptors nor
// wait for processes that are not its children.
//
// usage: peer await PID                     until the process has ended
//        peer console SOCKET [TEXT]         receives a terminal, types TEXT, prints what it shows to the end
//        peer consoles SOCKET               receives terminals, and has each until nobody else has it; until it is killed
//        peer pidfd SOCKET                  receives a pidfd, waits for the end of its process
//        peer seccomp SOCKET ANSWER COUNT   receives a listener, answers COUNT calls
//                                           (ANSWER: errno=N, value=N or continue)
//        peer terminal TEXT ROWS COLUMNS COMMAND...
//                                           runs COMMAND in a terminal of 24 x 80; once it has shown
//                                           `ready`, types TEXT and changes the size
//        peer notify SOCKET COUNT           receives COUNT datagrams, and closes descriptors that come with them
//        peer adopt COMMAND...             runs COMMAND as a subreaper: its status, and the children it left
//        peer neglect COMMAND...           the same, but then prints `ready` and reaps none of them until it is killed
//        peer packet SOCKET                 connects to a SOCK_SEQPACKET socket and closes it
//        peer criu FD MAJOR MINOR FILE      a CRIU of this version that can do nothing: appends what it is asked to FILE
// Servers print `ready` when they listen, and then JSON.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "json.h"

static int fail(const char* what) {
  perror(what);
  exit(1);
}

static void await_readable(int fd) {
  struct pollfd watched = {fd, POLLIN, 0};
  while (poll(&watched, 1, -1) < 0 && errno == EINTR) {
  }
}

static int await_process(pid_t pid) {
  const int fd = (int)syscall(SYS_pidfd_open, pid, 0);
  if (fd < 0) return errno == ESRCH ? 0 : fail("pidfd_open");
  await_readable(fd);
  return 0;
}

static struct sockaddr_un address_of(const char* path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof address.sun_path) fail("path too long");
  strcpy(address.sun_path, path);
  return address;
}

static int listen_at(const char* path) {
  const struct sockaddr_un address = address_of(path);
  const int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (bind(server, (const struct sockaddr*)&address, sizeof address) < 0 || listen(server, 1) < 0)
    fail("listen");
  puts("ready");
  fflush(stdout);
  return server;
}

// One message with its text and one descriptor; -1 where none comes.
static int take(int connection, char* text, size_t capacity, long long* count) {
  union {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(4 * sizeof(int))];
  } control;
  struct iovec part = {text, capacity - 1};
  struct msghdr message = {.msg_iov = &part,
                           .msg_iovlen = 1,
                           .msg_control = control.bytes,
                           .msg_controllen = sizeof control.bytes};
  const ssize_t size = recvmsg(connection, &message, MSG_CMSG_CLOEXEC);
  if (size < 0) fail("recvmsg");
  text[size] = 0;
  const struct cmsghdr* header = CMSG_FIRSTHDR(&message);
  *count = header == NULL ? 0 : (long long)((header->cmsg_len - CMSG_LEN(0)) / sizeof(int));
  if (header == NULL) return -1;
  int fd;
  memcpy(&fd, CMSG_DATA(header), sizeof fd);
  return fd;
}

// Of the first connection.
static int receive(const char* path, char* text, size_t capacity) {
  const int connection = accept4(listen_at(path), NULL, NULL, SOCK_CLOEXEC);
  if (connection < 0) fail("accept");
  long long count;
  const int fd = take(connection, text, capacity, &count);
  json_open(NULL, '{');
  json_string("message", text);
  json_number("descriptors", count);
  if (fd >= 0) return fd;
  json_close('}');
  exit(0);
}

static int serve_consoles(const char* path) {
  struct pollfd watched[64] = {{listen_at(path), POLLIN, 0}};
  char text[4096];
  for (nfds_t used = 1;;) {
    // All that there can be: the next connection waits.
    watched[0].events = used < 64 ? POLLIN : 0;
    if (poll(watched, used, -1) < 0 && errno != EINTR) fail("poll");
    for (nfds_t at = used; --at > 0;) {
      // EIO: the last process that had it open is gone.
      if (watched[at].revents == 0 || read(watched[at].fd, text, sizeof text) > 0) continue;
      close(watched[at].fd);
      watched[at] = watched[--used];
    }
    if (watched[0].revents == 0) continue;
    const int connection = accept4(watched[0].fd, NULL, NULL, SOCK_CLOEXEC);
    long long count;
    const int terminal = connection < 0 ? -1 : take(connection, text, sizeof text, &count);
    if (connection >= 0) close(connection);
    if (terminal >= 0) watched[used++] = (struct pollfd){terminal, POLLIN, 0};
  }
}

static int serve_console(const char* path, const char* typed) {
  char text[4096];
  const int terminal = receive(path, text, sizeof text);
  struct winsize size = {0};
  struct stat info;
  struct termios modes = {0};
  ioctl(terminal, TIOCGWINSZ, &size);
  fstat(terminal, &info);
  tcgetattr(terminal, &modes);
  json_number("major", major(info.st_rdev));
  json_number("minor", minor(info.st_rdev));
  json_number("rows", size.ws_row);
  json_number("columns", size.ws_col);
  (void)!write(terminal, typed, strlen(typed));
  json_key("shown");
  static char shown[1 << 20];
  size_t length = 0;
  // EIO: the last process that had the terminal open is gone.
  for (ssize_t got; length < sizeof shown; length += (size_t)got)
    if ((got = read(terminal, shown + length, sizeof shown - length)) <= 0) break;
  json_bytes(shown, length);
  json_close('}');
  puts("");
  return 0;
}

static int serve_pidfd(const char* path) {
  char text[4096], link[64], name[64] = "", line[256];
  const int fd = receive(path, text, sizeof text);
  snprintf(link, sizeof link, "/proc/self/fdinfo/%d", fd);
  FILE* info = fopen(link, "re");
  long pid = 0;
  while (info != NULL && fgets(line, sizeof line, info) != NULL)
    (void)sscanf(line, "Pid:\t%ld", &pid);
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  (void)!readlink(link, name, sizeof name - 1);
  json_number("pid", pid);
  json_string("kind", name);
  await_readable(fd);
  json_bool("ended", true);
  json_close('}');
  puts("");
  return 0;
}

static void answer(struct seccomp_notif_resp* response, const char* how) {
  if (strcmp(how, "continue") == 0) response->flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
  if (strncmp(how, "errno=", 6) == 0) response->error = -atoi(how + 6);
  if (strncmp(how, "value=", 6) == 0) response->val = atoi(how + 6);
}

static int serve_seccomp(const char* path, const char* how, int count) {
  static char text[65536];
  const int fd = receive(path, text, sizeof text);
  json_open("calls", '[');
  for (int i = 0; i < count; i++) {
    struct seccomp_notif request = {0};
    struct seccomp_notif_resp response = {0};
    if (ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &request) < 0) break;
    json_open(NULL, '{');
    json_number("number", request.data.nr);
    json_number("pid", request.pid);
    json_u64("first", request.data.args[0]);
    json_close('}');
    response.id = request.id;
    answer(&response, how);
    if (ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &response) < 0) break;
  }
  json_close(']');
  json_close('}');
  puts("");
  return 0;
}

// True in raw mode: neither lines nor signals are made of what is typed.
static bool is_raw(int terminal) {
  struct termios modes = {0};
  return tcgetattr(terminal, &modes) == 0 && (modes.c_lflag & (ICANON | ISIG | ECHO)) == 0;
}

static void become_command(int peer, char** command) {
  setsid();
  ioctl(peer, TIOCSCTTY, 0);
  for (int i = 0; i < 3; i++) dup2(peer, i);
  execvp(command[0], command);
  _exit(127);
}

static int run_in_terminal(const char* typed, int rows, int columns, char** command) {
  static char shown[1 << 20];
  struct winsize size = {24, 80, 0, 0};
  const int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (terminal < 0 || grantpt(terminal) < 0 || unlockpt(terminal) < 0) fail("posix_openpt");
  const int peer = open(ptsname(terminal), O_RDWR | O_NOCTTY | O_CLOEXEC);
  ioctl(peer, TIOCSWINSZ, &size);
  const pid_t pid = fork();
  if (pid == 0) become_command(peer, command);
  size_t length = 0;
  bool ready = false, raw = false;
  const int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
  struct pollfd watched[2] = {{terminal, POLLIN, 0}, {pidfd, POLLIN, 0}};
  // This end of the terminal stays open, so the end is that of the command.
  while (poll(watched, 2, -1) > 0) {
    if (watched[0].revents == 0 && watched[1].revents != 0) break;
    if (watched[0].revents == 0) continue;
    const ssize_t got = read(terminal, shown + length, sizeof shown - 1 - length);
    if (got <= 0) break;
    length += (size_t)got;
    if (ready || strstr(shown, "ready") == NULL) continue;
    ready = true;
    raw = is_raw(terminal);
    size.ws_row = (unsigned short)rows;
    size.ws_col = (unsigned short)columns;
    ioctl(terminal, TIOCSWINSZ, &size);
    (void)!write(terminal, typed, strlen(typed));
  }
  int status = 0;
  waitpid(pid, &status, 0);
  json_open(NULL, '{');
  json_number("status", WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status));
  json_bool("raw", raw);
  json_bool("rawAtEnd", is_raw(terminal));
  json_key("shown");
  json_bytes(shown, length);
  json_close('}');
  puts("");
  return 0;
}

static int serve_notify(const char* path, int count) {
  const struct sockaddr_un address = address_of(path);
  const int server = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (bind(server, (const struct sockaddr*)&address, sizeof address) < 0) fail("bind");
  puts("ready");
  fflush(stdout);
  long long descriptors = 0;
  json_open(NULL, '{');
  json_open("messages", '[');
  for (; count > 0; count--) {
    char text[4096];
    union {
      struct cmsghdr align;
      char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec part = {text, sizeof text - 1};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    const ssize_t size = recvmsg(server, &message, MSG_CMSG_CLOEXEC);
    if (size < 0) fail("recvmsg");
    text[size] = 0;
    json_string(NULL, text);
    const struct cmsghdr* header = CMSG_FIRSTHDR(&message);
    if (header == NULL) continue;
    int fd;
    memcpy(&fd, CMSG_DATA(header), sizeof fd);
    close(fd);
    descriptors++;
  }
  json_close(']');
  json_number("descriptors", descriptors);
  json_close('}');
  puts("");
  return 0;
}

// Runs a command to its end; the orphans that it leaves are our children from then on. Its status as of waitpid(2).
static int run_as_subreaper(char** command) {
  prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  const pid_t pid = fork();
  if (pid == 0) {
    execvp(command[0], command);
    _exit(127);
  }
  int status;
  return waitpid(pid, &status, 0) == pid ? status : fail("waitpid");
}

static int adopt(char** command) {
  const int status = run_as_subreaper(command);
  json_open(NULL, '{');
  json_number("status", WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status));
  json_open("children", '[');
  FILE* children = fopen("/proc/thread-self/children", "re");
  for (long child; children != NULL && fscanf(children, "%ld", &child) == 1;)
    json_number(NULL, child);
  json_close(']');
  json_close('}');
  puts("");
  return 0;
}

static int neglect(char** command) {
  if (run_as_subreaper(command) != 0) return 1;
  puts("ready");
  fflush(stdout);
  for (;;)
    pause();
}

static int connect_packet(const char* path) {
  const struct sockaddr_un address = address_of(path);
  const int client = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  return connect(client, (const struct sockaddr*)&address, sizeof address) < 0 ? fail("connect")
                                                                               : 0;
}

static int answer_as_criu(int socket, int major, int minor, const char* path) {
  // Messages of images/rpc.proto: type, success, and of the version two numbers.
  const char version[] = {0x08, 10, 0x10, 1, 0x52, 4, 0x08, (char)major, 0x10, (char)minor};
  char request[16384];
  for (ssize_t size; (size = read(socket, request, sizeof request)) > 1;) {
    FILE* file = fopen(path, "ae");
    if (file == NULL || fwrite(request, 1, (size_t)size, file) != (size_t)size) fail(path);
    fclose(file);
    // A check for features succeeds, and has none.
    const char answer[] = {0x08, request[1], 0x10, request[1] == 9};
    const ssize_t sent = request[1] == 10 ? write(socket, version, sizeof version)
                                          : write(socket, answer, sizeof answer);
    if (sent < 0) fail("write");
  }
  return 0;
}

int main(int argc, char** argv) {
  const char* what = argc > 2 ? argv[1] : "";
  if (strcmp(what, "await") == 0) return await_process(atoi(argv[2]));
  if (strcmp(what, "consoles") == 0) return serve_consoles(argv[2]);
  if (strcmp(what, "console") == 0) return serve_console(argv[2], argc > 3 ? argv[3] : "");
  if (strcmp(what, "pidfd") == 0) return serve_pidfd(argv[2]);
  if (strcmp(what, "seccomp") == 0 && argc > 4)
    return serve_seccomp(argv[2], argv[3], atoi(argv[4]));
  if (strcmp(what, "notify") == 0 && argc > 3) return serve_notify(argv[2], atoi(argv[3]));
  if (strcmp(what, "adopt") == 0) return adopt(argv + 2);
  if (strcmp(what, "neglect") == 0) return neglect(argv + 2);
  if (strcmp(what, "packet") == 0) return connect_packet(argv[2]);
  if (strcmp(what, "criu") == 0 && argc > 5)
    return answer_as_criu(atoi(argv[2]), atoi(argv[3]), atoi(argv[4]), argv[5]);
  if (strcmp(what, "terminal") == 0 && argc > 5)
    return run_in_terminal(argv[2], atoi(argv[3]), atoi(argv[4]), argv + 5);
  fputs("peer: unknown use\n", stderr);
  return 2;
}
