// Runs a command of the runtime and lets one of its system calls fail, or kills a process at one (x86-64).
//
// usage: fault REPORT FROM count -- COMMAND ...
//        fault REPORT FROM fail PROCESS N ERRNO -- COMMAND ...    the N-th call of a process fails
//        fault REPORT FROM kill PROCESS N -- COMMAND ...          SIGKILL to a process at its N-th call
//        fault REPORT FROM call NUMBER N ERRNO [PATH] -- COMMAND  the N-th call of this number (0: each), of those whose path has
//                                                                 PATH in it, whoever makes it
//
// Processes are numbered in the order of their birth, the command itself is 0; programs other than the runtime's own
// (hooks, the container's) are let go. Calls count from the first one on that names a path with FROM in it: what the
// engine and the loader do before is not the runtime's. The report is JSON in the file REPORT.
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "json.h"

#ifndef PTRACE_EVENT_STOP
#define PTRACE_EVENT_STOP 128
#endif

#define most 64
#define limit_s 60

struct Tracee {
  pid_t pid;
  int index;
  bool inside;   // a system call
  bool gone;     // ended, or let go
  int failing;   // errno that the present call gets
  long calls;
  char name[32];
};

static struct Tracee tracees[most];
static int count;
static bool started;
static const char* from;
static enum { counting, failing, killing, calling } mode;
static long wanted_process, wanted_call, wanted_errno, wanted_number;
static const char* wanted_path = "";
static long seen;
static long hit_number = -1;
static char hit_path[200], hit_name[32];
static volatile sig_atomic_t over;

static void on_alarm(int number) {
  (void)number;
  over = 1;
}

static struct Tracee* find(pid_t pid) {
  for (int i = 0; i < count; i++)
    if (tracees[i].pid == pid && !tracees[i].gone) return &tracees[i];
  if (count == most) exit(3);
  tracees[count] = (struct Tracee){.pid = pid, .index = count};
  return &tracees[count++];
}

static void read_link(pid_t pid, const char* name, char* text, size_t size) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
  const ssize_t got = readlink(path, text, size - 1);
  text[got < 0 ? 0 : got] = 0;
}

static bool is_thread(pid_t pid) {
  char path[64], line[200];
  int group = pid;
  snprintf(path, sizeof path, "/proc/%d/status", pid);
  FILE* status = fopen(path, "re");
  while (status != NULL && fgets(line, sizeof line, status) != NULL) (void)sscanf(line, "Tgid: %d", &group);
  if (status != NULL) fclose(status);
  return group != pid;
}

// The text of a path argument, empty when the call has none.
static void read_path(pid_t pid, const struct user_regs_struct* regs, char* text, size_t size) {
  unsigned long long at;
  text[0] = 0;
  switch (regs->orig_rax) {
    case SYS_open: case SYS_stat: case SYS_lstat: case SYS_readlink: case SYS_mkdir: case SYS_rmdir:
    case SYS_unlink: case SYS_access: case SYS_rename: case SYS_chdir: case SYS_lchown:
      at = regs->rdi;
      break;
    case SYS_openat: case SYS_openat2: case SYS_newfstatat: case SYS_readlinkat: case SYS_mkdirat:
    case SYS_statx: case SYS_faccessat2: case SYS_unlinkat: case SYS_renameat:
      at = regs->rsi;
      break;
    case SYS_fsopen:
      at = regs->rdi;
      break;
    case SYS_fsconfig:
      at = regs->rdx;
      break;
    default:
      return;
  }
  // As far as the page goes: what follows need not be there.
  size_t length = size - 1;
  if (length > 4096 - (at & 4095)) length = 4096 - (at & 4095);
  struct iovec here = {text, length}, there = {(void*)at, length};
  const ssize_t got = process_vm_readv(pid, &here, 1, &there, 1, 0);
  text[got < 0 ? 0 : got] = 0;
}

// Calls that cannot fail, or whose failure no program can answer.
static bool is_exempt(const struct Tracee* tracee, long number) {
  switch (number) {
    case SYS_exit: case SYS_exit_group: case SYS_rt_sigreturn: case SYS_restart_syscall: case SYS_close:
    case SYS_getpid: case SYS_geteuid: case SYS_getegid: case SYS_getuid: case SYS_getgid: case SYS_umask:
    case SYS_rt_sigprocmask: case SYS_rt_sigaction: case SYS_sched_yield: case SYS_clock_gettime:
    case SYS_getpgrp: case SYS_gettid: case SYS_arch_prctl: case SYS_set_tid_address:
      return true;
    // Memory of the JavaScript engine.
    case SYS_mmap: case SYS_munmap: case SYS_mprotect: case SYS_madvise: case SYS_brk: case SYS_futex:
    case SYS_mremap: case SYS_getrandom:
      return tracee->index == 0;
    default:
      return false;
  }
}

static bool is_wanted(const struct Tracee* tracee, long number, const char* path) {
  switch (mode) {
    case failing:
    case killing:
      return tracee->index == wanted_process && tracee->calls == wanted_call;
    case calling:
      return number == wanted_number && strstr(path, wanted_path) != NULL &&
             (wanted_call == 0 || ++seen == wanted_call);
    default:
      return false;
  }
}

static void on_entry(struct Tracee* tracee) {
  struct user_regs_struct regs;
  char path[300];
  if (ptrace(PTRACE_GETREGS, tracee->pid, NULL, &regs) < 0) return;
  const long number = (long)regs.orig_rax;
  read_path(tracee->pid, &regs, path, sizeof path);
  if (!started && strstr(path, from) != NULL) started = true;
  if (!started || is_exempt(tracee, number)) return;
  tracee->calls++;
  if ((hit_number >= 0 && wanted_call != 0) || !is_wanted(tracee, number, path)) return;
  hit_number = number;
  snprintf(hit_path, sizeof hit_path, "%.190s", path);
  snprintf(hit_name, sizeof hit_name, "%s", tracee->name);
  if (mode == killing) {
    (void)kill(tracee->pid, SIGKILL);
    return;
  }
  tracee->failing = (int)wanted_errno;
  regs.orig_rax = (unsigned long long)-1;
  (void)ptrace(PTRACE_SETREGS, tracee->pid, NULL, &regs);
}

static void on_exit_of_call(struct Tracee* tracee) {
  struct user_regs_struct regs;
  if (tracee->failing == 0 || ptrace(PTRACE_GETREGS, tracee->pid, NULL, &regs) < 0) return;
  regs.rax = (unsigned long long)-tracee->failing;
  tracee->failing = 0;
  (void)ptrace(PTRACE_SETREGS, tracee->pid, NULL, &regs);
}

static void let_go(struct Tracee* tracee) {
  tracee->gone = true;
  (void)ptrace(PTRACE_DETACH, tracee->pid, NULL, NULL);
}

// A program that is not the runtime's is none of our business.
static bool is_foreign(struct Tracee* tracee) {
  char exe[300];
  read_link(tracee->pid, "exe", exe, sizeof exe);
  const bool own = strstr(exe, "tsrun-init") != NULL;
  snprintf(tracee->name, sizeof tracee->name, "%s", own ? "tsrun-init" : "tsrun");
  return !own && tracee->index != 0;
}

static void go_on(pid_t pid, int status) {
  struct Tracee* tracee = find(pid);
  const int signal = WSTOPSIG(status);
  const int event = status >> 16;
  if (signal == (SIGTRAP | 0x80)) {
    tracee->inside = !tracee->inside;
    if (tracee->inside)
      on_entry(tracee);
    else
      on_exit_of_call(tracee);
    (void)ptrace(PTRACE_SYSCALL, pid, NULL, NULL);
    return;
  }
  if (event == PTRACE_EVENT_EXEC) {
    if (is_foreign(tracee)) {
      let_go(tracee);
      return;
    }
  } else if (event == PTRACE_EVENT_STOP) {
    if (is_thread(pid)) {
      // Not counted, so that the numbers of processes are the same each time.
      let_go(tracee);
      if (tracee == &tracees[count - 1]) count--;
      return;
    }
    if (signal != SIGTRAP) {
      (void)ptrace(PTRACE_LISTEN, pid, NULL, NULL);
      return;
    }
  }
  const bool is_own = event == 0;
  (void)ptrace(PTRACE_SYSCALL, pid, NULL, is_own ? (void*)(long)signal : NULL);
}

static pid_t start(char** command) {
  int gate[2];
  char byte = 0;
  if (pipe(gate) < 0) exit(2);
  const pid_t pid = fork();
  if (pid == 0) {
    close(gate[1]);
    (void)!read(gate[0], &byte, 1);
    close(gate[0]);
    execvp(command[0], command);
    _exit(127);
  }
  const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
                       PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC;
  if (ptrace(PTRACE_SEIZE, pid, NULL, (void*)options) < 0) exit(2);
  (void)find(pid);
  (void)ptrace(PTRACE_INTERRUPT, pid, NULL, NULL);
  close(gate[0]);
  close(gate[1]);
  return pid;
}

static void report(const char* path, int status) {
  if (freopen(path, "w", stdout) == NULL) exit(2);
  json_open(NULL, '{');
  json_number("status", WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status));
  json_bool("hung", over != 0);
  json_number("number", hit_number);
  json_string("path", hit_path);
  json_string("name", hit_name);
  json_open("processes", '[');
  for (int i = 0; i < count; i++) {
    json_open(NULL, '{');
    json_string("name", tracees[i].name);
    json_number("calls", tracees[i].calls);
    json_close('}');
  }
  json_close(']');
  json_close('}');
  puts("");
  fflush(stdout);
}

static void parse(int argc, char** argv) {
  const char* name = argc > 3 ? argv[3] : "";
  from = argv[2];
  mode = strcmp(name, "fail") == 0 ? failing : strcmp(name, "kill") == 0 ? killing : strcmp(name, "call") == 0 ? calling : counting;
  if (mode == failing || mode == killing) wanted_process = atol(argv[4]);
  if (mode == calling) wanted_number = atol(argv[4]);
  if (mode != counting) wanted_call = atol(argv[5]);
  if (mode == failing || mode == calling) wanted_errno = atol(argv[6]);
  if (mode == calling && strcmp(argv[7], "--") != 0) wanted_path = argv[7];
}

int main(int argc, char** argv) {
  if (argc < 6) return 2;
  parse(argc, argv);
  char** command = argv + 4;
  while (*command != NULL && strcmp(*command, "--") != 0) command++;
  if (*command == NULL) return 2;
  const struct sigaction action = {.sa_handler = on_alarm};
  (void)sigaction(SIGALRM, &action, NULL);
  const pid_t first = start(command + 1);
  alarm(limit_s);
  int status, result = 0;
  for (;;) {
    const pid_t pid = waitpid(-1, &status, __WALL);
    if (pid < 0 && errno == EINTR && over) {
      (void)kill(first, SIGKILL);
      continue;
    }
    if (pid < 0) break;
    if (WIFSTOPPED(status)) {
      go_on(pid, status);
      continue;
    }
    if (pid == first) {
      result = status;
      break;
    }
    find(pid)->gone = true;
  }
  report(argv[1], result);
  return 0;
}
