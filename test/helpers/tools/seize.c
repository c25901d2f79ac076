// A process of a container that traces what the runtime adds to its pid namespace, for the security tests.
//
// usage: seize [PID]     seizes the process PID, or each one that is new, and follows it call by call until
//                        it executes its program; until SIGTERM. What had tsrun-init that this process, whose
//                        rights are those of the container's program, has not?
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "json.h"

#ifndef PTRACE_EVENT_STOP
#define PTRACE_EVENT_STOP 128
#endif

static volatile sig_atomic_t stopped;

static void stop(int number) {
  (void)number;
  stopped = 1;
}

// Texts that were seen, each once.
#define kept 32
struct Seen {
  int count;
  char texts[kept][200];
};

static void note(struct Seen* seen, const char* text) {
  for (int i = 0; i < seen->count; i++)
    if (strncmp(seen->texts[i], text, sizeof seen->texts[0] - 1) == 0) return;
  if (seen->count < kept) snprintf(seen->texts[seen->count++], sizeof seen->texts[0], "%s", text);
}

static void print(const char* key, const struct Seen* seen) {
  json_open(key, '[');
  for (int i = 0; i < seen->count; i++) json_string(NULL, seen->texts[i]);
  json_close(']');
}

struct Rights {
  bool is_init;  // tsrun-init, not yet the program
  unsigned long long capabilities, bounding;
  int filter;
  char uids[64], groups[200];
};

static struct Seen uids, groups, processes, directories, descriptors;
static struct Rights own, all;
static int caught, refused, privileged, unfiltered;
static bool seizes_new;

static bool read_rights(pid_t pid, struct Rights* rights) {
  char path[64], line[400], name[64] = "";
  unsigned long long set;
  snprintf(path, sizeof path, "/proc/%d/status", pid);
  FILE* status = fopen(path, "re");
  if (status == NULL) return false;
  while (fgets(line, sizeof line, status) != NULL) {
    line[strcspn(line, "\n")] = 0;
    (void)sscanf(line, "Name: %60s", name);
    if (sscanf(line, "CapBnd: %llx", &set) == 1)
      rights->bounding = set;
    else if (strncmp(line, "Cap", 3) == 0 && sscanf(line + 6, ": %llx", &set) == 1)
      rights->capabilities |= set;
    (void)sscanf(line, "Seccomp: %d", &rights->filter);
    if (strncmp(line, "Uid:", 4) == 0)
      snprintf(rights->uids, sizeof rights->uids, "%.60s", line + 5);
    if (strncmp(line, "Groups:", 7) == 0)
      snprintf(rights->groups, sizeof rights->groups, "%.190s", line + 8);
  }
  fclose(status);
  rights->is_init = strncmp(name, "tsrun", 5) == 0;
  return true;
}

static void note_directory(const char* path) {
  struct stat info;
  char text[64];
  if (stat(path, &info) < 0 || !S_ISDIR(info.st_mode)) return;
  snprintf(text, sizeof text, "%llu:%llu", (unsigned long long)info.st_dev,
           (unsigned long long)info.st_ino);
  note(&directories, text);
}

static void note_descriptors(pid_t pid) {
  char path[300], target[200];
  snprintf(path, sizeof path, "/proc/%d/fd", pid);
  DIR* dir = opendir(path);
  if (dir == NULL) return;
  for (struct dirent* entry; (entry = readdir(dir)) != NULL;) {
    if (entry->d_name[0] == '.') continue;
    snprintf(path, sizeof path, "/proc/%d/fd/%.20s", pid, entry->d_name);
    note_directory(path);
    const ssize_t size = readlink(path, target, sizeof target - 1);
    if (size < 0 || atoi(entry->d_name) < 3) continue;
    target[size] = 0;
    target[strcspn(target, "[")] = 0;
    note(&descriptors, target);
  }
  closedir(dir);
}

static void note_limit(pid_t pid) {
  char path[64], line[200], soft[32], hard[32];
  snprintf(path, sizeof path, "/proc/%d/limits", pid);
  FILE* limits = fopen(path, "re");
  while (limits != NULL && fgets(line, sizeof line, limits) != NULL)
    if (sscanf(line, "Max processes %30s %30s", soft, hard) == 2) {
      snprintf(line, sizeof line, "%s %s", soft, hard);
      note(&processes, line);
    }
  if (limits != NULL) fclose(limits);
}

// False once it is the container's program.
static bool examine(pid_t pid, struct Rights* most) {
  struct Rights now = {0};
  if (!read_rights(pid, &now) || !now.is_init) return false;
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/cwd", pid);
  note_directory(path);
  snprintf(path, sizeof path, "/proc/%d/root", pid);
  note_directory(path);
  note_descriptors(pid);
  note_limit(pid);
  note(&uids, now.uids);
  note(&groups, now.groups);
  if (!most->is_init) most->filter = now.filter;
  most->is_init = true;
  most->capabilities |= now.capabilities;
  most->bounding |= now.bounding;
  if (now.filter < most->filter) most->filter = now.filter;
  return true;
}

static void follow(pid_t pid) {
  struct Rights most = {0};
  int status;
  ptrace(PTRACE_INTERRUPT, pid, NULL, NULL);
  while (!stopped && waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status)) {
    if (!examine(pid, &most)) {
      ptrace(PTRACE_DETACH, pid, NULL, NULL);
      break;
    }
    const bool own_signal = status >> 16 == 0 && (WSTOPSIG(status) & 0x80) == 0;
    ptrace(PTRACE_SYSCALL, pid, NULL, own_signal ? (void*)(long)WSTOPSIG(status) : NULL);
  }
  if (!most.is_init) return;
  // A line for who waits until there was anything to see.
  if (caught++ == 0 && seizes_new) {
    puts("caught");
    fflush(stdout);
  }
  all.capabilities |= most.capabilities;
  all.bounding |= most.bounding;
  if (((most.capabilities | most.bounding) & ~own.bounding) != 0) privileged++;
  if (most.filter < own.filter) unfiltered++;
}

static bool seize(pid_t pid) {
  const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC;
  if (ptrace(PTRACE_SEIZE, pid, NULL, (void*)options) == 0) {
    follow(pid);
    return true;
  }
  return false;
}

// Pids come one after the other, so it need not look for the next one.
static void seize_new(void) {
  pid_t next = getpid() + 1;
  bool seen = false;
  while (!stopped) {
    if (seize(next)) {
      next++;
      seen = false;
    } else if (errno == EPERM) {
      if (!seen) refused++;
      seen = true;
    } else if (seen) {
      next++;
      seen = false;
    } else if (seize(next + 1)) {
      next += 2;
    }
  }
}

int main(int argc, char** argv) {
  const struct sigaction action = {.sa_handler = stop};
  (void)sigaction(SIGTERM, &action, NULL);
  if (!read_rights(getpid(), &own)) return 1;
  seizes_new = argc < 2;
  puts("ready");
  fflush(stdout);
  if (argc == 2) {
    if (!seize(atoi(argv[1]))) refused++;
  } else {
    seize_new();
  }
  json_open(NULL, '{');
  json_number("caught", caught);
  json_number("refused", refused);
  json_number("privileged", privileged);
  json_number("unfiltered", unfiltered);
  json_u64("capabilities", all.capabilities);
  json_u64("bounding", all.bounding);
  print("uids", &uids);
  print("groups", &groups);
  print("processes", &processes);
  print("directories", &directories);
  print("descriptors", &descriptors);
  json_close('}');
  puts("");
  return 0;
}
