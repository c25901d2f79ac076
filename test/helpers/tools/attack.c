// What an attacker runs, on a shared volume or inside a container, for the security tests.
//
// usage: attack swap ONE OTHER        exchanges two files over and over (renameat2), until it is killed
//        attack peek [EXE...]         looks at the processes of its pid namespace until SIGTERM: which of
//                                     tsrun-init, or of those whose executable is EXE, can be entered?
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "json.h"

#ifndef RENAME_EXCHANGE
#define RENAME_EXCHANGE 2
#endif

static volatile sig_atomic_t stopped;

static void stop(int number) {
  (void)number;
  stopped = 1;
}

static int swap(const char* one, const char* other) {
  if (syscall(SYS_renameat2, AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE) < 0) {
    perror("renameat2");
    return 1;
  }
  puts("ready");
  fflush(stdout);
  for (;;) (void)syscall(SYS_renameat2, AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE);
}

static int looked;                 // processes of the runtime, each look counted
static int successes;              // what must not be
static int foreign;                // directories that are not this container's root
static unsigned long long rights;  // capabilities that any of them had

#define kept 20
static char texts[kept][400];

static void succeeded(const char* pid, const char* what) {
  if (successes < kept) snprintf(texts[successes], sizeof texts[0], "%s of %s", what, pid);
  successes++;
}

static void try_open(const char* pid, const char* name, int flags) {
  char path[300];
  snprintf(path, sizeof path, "/proc/%s/%s", pid, name);
  const int fd = open(path, flags | O_CLOEXEC);
  if (fd < 0) return;
  succeeded(pid, name);
  struct stat info, root;
  if (fstat(fd, &info) == 0 && stat("/", &root) == 0 && S_ISDIR(info.st_mode) &&
      (info.st_ino != root.st_ino || info.st_dev != root.st_dev))
    foreign++;
  // CVE-2019-5736: what was opened without rights is opened again, to write.
  char again[64];
  snprintf(again, sizeof again, "/proc/self/fd/%d", fd);
  const int writable = open(again, O_WRONLY | O_CLOEXEC);
  if (writable >= 0) succeeded(pid, "writing");
  if (writable >= 0) close(writable);
  close(fd);
}

static void try_descriptors(const char* pid) {
  char path[300], target[300];
  snprintf(path, sizeof path, "/proc/%s/fd", pid);
  DIR* dir = opendir(path);
  if (dir == NULL) return;
  for (struct dirent* entry; (entry = readdir(dir)) != NULL;) {
    if (entry->d_name[0] == '.') continue;
    snprintf(path, sizeof path, "/proc/%s/fd/%.20s", pid, entry->d_name);
    if (readlink(path, target, sizeof target) > 0) succeeded(pid, "a descriptor");
    snprintf(path, sizeof path, "fd/%.20s", entry->d_name);
    try_open(pid, path, O_PATH);
  }
  closedir(dir);
}

static void try_ptrace(const char* pid) {
  const pid_t number = atoi(pid);
  if (ptrace(PTRACE_SEIZE, number, NULL, NULL) < 0) return;
  succeeded(pid, "ptrace");
  // Only who has stopped can be let go, and who isn't let go never ends for its parent.
  ptrace(PTRACE_INTERRUPT, number, NULL, NULL);
  int status;
  if (waitpid(number, &status, __WALL) == number && WIFSTOPPED(status))
    ptrace(PTRACE_DETACH, number, NULL, NULL);
}

static void note_rights(const char* pid) {
  char path[300], line[200];
  unsigned long long set;
  snprintf(path, sizeof path, "/proc/%s/status", pid);
  FILE* status = fopen(path, "re");
  while (status != NULL && fgets(line, sizeof line, status) != NULL)
    if (sscanf(line, "CapEff: %llx", &set) == 1 || sscanf(line, "CapPrm: %llx", &set) == 1)
      rights |= set;
  if (status != NULL) fclose(status);
}

static bool is_wanted(const char* pid, char** executables) {
  char path[300], name[64] = "", target[4096] = "";
  snprintf(path, sizeof path, "/proc/%s/comm", pid);
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const ssize_t size = read(fd, name, sizeof name - 1);
  close(fd);
  if (size > 0 && strncmp(name, "tsrun", 5) == 0) return true;
  snprintf(path, sizeof path, "/proc/%s/exe", pid);
  (void)!readlink(path, target, sizeof target - 1);
  for (; *executables != NULL; executables++)
    if (strcmp(target, *executables) == 0) return true;
  return false;
}

static void look(char** executables) {
  DIR* dir = opendir("/proc");
  if (dir == NULL) return;
  for (struct dirent* entry; !stopped && (entry = readdir(dir)) != NULL;) {
    const char* pid = entry->d_name;
    if (*pid < '0' || *pid > '9' || atoi(pid) == getpid() || !is_wanted(pid, executables)) continue;
    const int successes_before = successes, foreign_before = foreign;
    const unsigned long long rights_before = rights;
    note_rights(pid);
    try_open(pid, "exe", O_PATH);
    try_open(pid, "root", O_PATH);
    try_open(pid, "cwd", O_PATH);
    try_open(pid, "mem", O_RDONLY);
    try_open(pid, "environ", O_RDONLY);
    try_descriptors(pid);
    try_ptrace(pid);
    looked++;
    if (is_wanted(pid, executables)) continue;
    // It has become the container's program on the way: what was found may be that one's.
    successes = successes_before;
    foreign = foreign_before;
    rights = rights_before;
  }
  closedir(dir);
}

static int peek(char** executables) {
  (void)signal(SIGTERM, stop);
  json_open(NULL, '{');
  while (!stopped) look(executables);
  json_open("successes", '[');
  for (int i = 0; i < successes && i < kept; i++) json_string(NULL, texts[i]);
  json_close(']');
  json_number("looked", looked);
  json_number("count", successes);
  json_number("foreign", foreign);
  json_u64("rights", rights);
  json_close('}');
  puts("");
  return 0;
}

int main(int argc, char** argv) {
  if (argc == 4 && strcmp(argv[1], "swap") == 0) return swap(argv[2], argv[3]);
  if (argc >= 2 && strcmp(argv[1], "peek") == 0) return peek(argv + 2);
  fputs("attack: unknown use\n", stderr);
  return 2;
}
