// A file system that behaves as the kernel's resctrl does (Documentation/filesystems/resctrl.rst), as far as
// a runtime can tell: for machines whose kernel or processor has none. It speaks the kernel's FUSE protocol.
//
// usage: resctrl MOUNTPOINT     prints "ready" when it is mounted, and goes on until it is killed
//
// It is mounted in a mount namespace of the program's own: in anybody else's it would live on for as long as
// somebody has a copy.
//
// Two caches with masks of 8 bits, and memory bandwidth in percent. Children of a task are not followed.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

enum kind { kNone, kDirectory, kControlGroup, kMonitorGroup, kMonitorGroups, kText, kSchemata, kTasks, kStatus };

struct node {
  enum kind kind;
  int parent;
  char name[128];
  const char* text;          // of kText
  unsigned values[2][2];     // of a control group: L3 and MB, for each of two domains
  int tasks[64], task_count; // of a group
};

enum { kNodes = 512, kBuffer = 1 << 17 };
static struct node nodes[kNodes];
static char last_status[256] = "ok\n";
static int device;

static int is_directory(int n) { return nodes[n].kind <= kMonitorGroups; }

static int add(int parent, const char* name, enum kind kind) {
  for (int i = 1; i < kNodes; i++) {
    if (nodes[i].kind != kNone) continue;
    memset(&nodes[i], 0, sizeof nodes[i]);
    nodes[i].kind = kind;
    nodes[i].parent = parent;
    snprintf(nodes[i].name, sizeof nodes[i].name, "%s", name);
    return i;
  }
  abort();
}

static void add_text(int parent, const char* name, const char* text) {
  nodes[add(parent, name, kText)].text = text;
}

static int find(int parent, const char* name) {
  for (int i = 1; i < kNodes; i++)
    if (nodes[i].kind != kNone && nodes[i].parent == parent && strcmp(nodes[i].name, name) == 0) return i;
  return -1;
}

// What the kernel puts into each new group.
static void populate(int group) {
  const int monitors = nodes[group].kind == kMonitorGroup;
  add(group, "tasks", kTasks);
  const int domain = add(add(group, "mon_data", kDirectory), "mon_L3_00", kDirectory);
  add_text(domain, "llc_occupancy", monitors ? "4096\n" : "1048576\n");
  add_text(domain, "mbm_total_bytes", monitors ? "300\n" : "3000\n");
  add_text(domain, "mbm_local_bytes", monitors ? "Unavailable\n" : "2000\n");
  if (monitors) return;
  add(group, "schemata", kSchemata);
  add(group, "mon_groups", kMonitorGroups);
  for (int i = 0; i < 2; i++) nodes[group].values[0][i] = 0xff, nodes[group].values[1][i] = 100;
}

static void make_root(void) {
  nodes[0].kind = kControlGroup;
  nodes[0].parent = -1;
  const int info = add(0, "info", kDirectory);
  const int cache = add(info, "L3", kDirectory), bandwidth = add(info, "MB", kDirectory);
  add_text(cache, "cbm_mask", "ff\n");
  add_text(cache, "min_cbm_bits", "1\n");
  add_text(cache, "num_closids", "16\n");
  add_text(bandwidth, "bandwidth_gran", "10\n");
  add_text(bandwidth, "delay_linear", "1\n");
  add_text(bandwidth, "min_bandwidth", "10\n");
  add_text(bandwidth, "num_closids", "8\n");
  add(info, "last_cmd_status", kStatus);
  populate(0);
}

static void remove_tree(int n) {
  for (int i = 1; i < kNodes; i++)
    if (nodes[i].kind != kNone && nodes[i].parent == n) remove_tree(i);
  nodes[n].kind = kNone;
}

static int has_task(int group, int pid) {
  for (int i = 0; i < nodes[group].task_count; i++)
    if (nodes[group].tasks[i] == pid) return 1;
  return 0;
}

static void drop_task(int group, int pid) {
  struct node* g = &nodes[group];
  for (int i = 0; i < g->task_count; i++)
    if (g->tasks[i] == pid) g->tasks[i--] = g->tasks[--g->task_count];
}

static int refuse(const char* words) {
  snprintf(last_status, sizeof last_status, "%s\n", words);
  return EINVAL;
}

static int write_task(int group, const char* text) {
  const int pid = atoi(text), monitors = nodes[group].kind == kMonitorGroup;
  if (pid <= 0) return refuse("Task list parsing error");
  if (kill(pid, 0) < 0) return ESRCH;
  if (monitors && !has_task(nodes[nodes[group].parent].parent, pid))
    return refuse("Can't move task to different control group");
  for (int i = 0; i < kNodes; i++)
    if (nodes[i].kind == kMonitorGroup || (nodes[i].kind == kControlGroup && !monitors)) drop_task(i, pid);
  if (nodes[group].task_count == 64) return ENOSPC;
  nodes[group].tasks[nodes[group].task_count++] = pid;
  return 0;
}

// One line of a schemata file: `L3:0=f;1=ff`, into `values`; `seen` has a bit for each domain.
static int parse_line(char* line, unsigned values[2][2], unsigned seen[2]) {
  while (*line == ' ') line++;
  char* colon = strchr(line, ':');
  if (colon == NULL) return refuse("Missing ':'");
  *colon = 0;
  const int resource = strcmp(line, "L3") == 0 ? 0 : strcmp(line, "MB") == 0 ? 1 : -1;
  if (resource < 0) {
    char words[200];
    snprintf(words, sizeof words, "Unknown or unsupported resource name '%.100s'", line);
    return refuse(words);
  }
  char* rest = NULL;
  for (char* part = strtok_r(colon + 1, ";", &rest); part != NULL; part = strtok_r(NULL, ";", &rest)) {
    char* equals = strchr(part, '=');
    const int domain = atoi(part);
    if (equals == NULL || domain < 0 || domain > 1) return refuse("Missing '=' or non-numeric domain");
    if (seen[resource] & 1U << domain) return refuse("Duplicate domain");
    seen[resource] |= 1U << domain;
    char* end;
    const unsigned long value = strtoul(equals + 1, &end, resource == 0 ? 16 : 10);
    if (*end != 0 || value < (resource == 0 ? 1 : 10) || value > (resource == 0 ? 0xff : 100))
      return refuse(resource == 0 ? "Mask out of range" : "MB value out of range");
    values[resource][domain] = (unsigned)value;
  }
  return 0;
}

static int write_schemata(int group, char* text, size_t size) {
  if (size == 0 || text[size - 1] != '\n') return refuse("Invalid input: no newline at the end");
  unsigned values[2][2], seen[2] = {0};
  memcpy(values, nodes[group].values, sizeof values);
  char* rest = NULL;
  for (char* line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
    const int error = parse_line(line, values, seen);
    if (error != 0) return error;
  }
  memcpy(nodes[group].values, values, sizeof values);
  return 0;
}

static int write_node(int n, char* text, size_t size) {
  snprintf(last_status, sizeof last_status, "ok\n");
  if (nodes[n].kind == kTasks) return write_task(nodes[n].parent, text);
  if (nodes[n].kind == kSchemata) return write_schemata(nodes[n].parent, text, size);
  return EPERM;
}

static size_t read_node(int n, char* out, size_t capacity) {
  const struct node* group = &nodes[nodes[n].parent < 0 ? 0 : nodes[n].parent];
  if (nodes[n].kind == kText) return (size_t)snprintf(out, capacity, "%s", nodes[n].text);
  if (nodes[n].kind == kStatus) return (size_t)snprintf(out, capacity, "%s", last_status);
  if (nodes[n].kind == kSchemata)
    return (size_t)snprintf(out, capacity, "    L3:0=%x;1=%x\n    MB:0=%3u;1=%3u\n", group->values[0][0],
                            group->values[0][1], group->values[1][0], group->values[1][1]);
  size_t size = 0;
  for (int i = 0; nodes[n].kind == kTasks && i < group->task_count; i++)
    if (kill(group->tasks[i], 0) == 0) size += (size_t)snprintf(out + size, capacity - size, "%d\n", group->tasks[i]);
  return size;
}

static void reply(uint64_t unique, int error, const void* data, size_t size) {
  if (error != 0) size = 0;
  static char out[kBuffer + 64];
  const struct fuse_out_header head = {(uint32_t)(sizeof head + size), -error, unique};
  memcpy(out, &head, sizeof head);
  if (size > 0) memcpy(out + sizeof head, data, size);
  if (write(device, out, sizeof head + size) < 0 && errno != ENOENT) perror("resctrl: write");
}

static struct fuse_attr attributes(int n) {
  struct fuse_attr a = {0};
  a.ino = (uint64_t)n + 1;
  a.mode = is_directory(n) ? S_IFDIR | 0755 : S_IFREG | 0644;
  a.nlink = 1;
  return a;
}

static void reply_entry(uint64_t unique, int n) {
  if (n < 0) return reply(unique, ENOENT, NULL, 0);
  struct fuse_entry_out entry = {0};
  entry.nodeid = (uint64_t)n + 1;
  entry.attr = attributes(n);
  reply(unique, 0, &entry, sizeof entry);
}

static void make_directory(uint64_t unique, int parent, const char* name) {
  if (find(parent, name) >= 0) return reply(unique, EEXIST, NULL, 0);
  const int monitors = nodes[parent].kind == kMonitorGroups;
  if (parent != 0 && !monitors) return reply(unique, EPERM, NULL, 0);
  const int made = add(parent, name, monitors ? kMonitorGroup : kControlGroup);
  populate(made);
  reply_entry(unique, made);
}

static void remove_directory(uint64_t unique, int parent, const char* name) {
  const int n = find(parent, name);
  if (n < 0) return reply(unique, ENOENT, NULL, 0);
  if (nodes[n].kind != kControlGroup && nodes[n].kind != kMonitorGroup) return reply(unique, EPERM, NULL, 0);
  remove_tree(n);
  reply(unique, 0, NULL, 0);
}

// Everything at once: no directory here has more entries than fit.
static void read_directory(uint64_t unique, int n, const struct fuse_read_in* in) {
  static char out[kBuffer];
  size_t size = 0;
  for (int i = 1; in->offset == 0 && i < kNodes; i++) {
    if (nodes[i].kind == kNone || nodes[i].parent != n) continue;
    struct fuse_dirent* entry = (struct fuse_dirent*)(out + size);
    const size_t length = strlen(nodes[i].name);
    if (size + FUSE_NAME_OFFSET + length + 8 > in->size) break;
    memset(entry, 0, FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET + length));
    entry->ino = (uint64_t)i + 1;
    entry->off = (uint64_t)i;
    entry->namelen = (uint32_t)length;
    entry->type = (is_directory(i) ? S_IFDIR : S_IFREG) >> 12;
    memcpy(entry->name, nodes[i].name, length);
    size += FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET + length);
  }
  reply(unique, 0, out, size);
}

static void serve(const struct fuse_in_header* in, char* body) {
  static char text[kBuffer];
  const int n = (int)in->nodeid - 1;
  const struct fuse_read_in* read_in = (const struct fuse_read_in*)body;
  struct fuse_write_in* write_in = (struct fuse_write_in*)body;
  switch (in->opcode) {
    case FUSE_INIT: {
      const struct fuse_init_out out = {.major = FUSE_KERNEL_VERSION, .minor = 31, .max_write = 65536};
      return reply(in->unique, 0, &out, sizeof out);
    }
    case FUSE_FORGET:
    case FUSE_BATCH_FORGET:
    case FUSE_INTERRUPT:
      return;
    case FUSE_LOOKUP:
      return reply_entry(in->unique, find(n, body));
    case FUSE_GETATTR:
    case FUSE_SETATTR: {
      const struct fuse_attr_out out = {.attr = attributes(n)};
      return reply(in->unique, nodes[n].kind == kNone ? ENOENT : 0, &out, sizeof out);
    }
    case FUSE_MKDIR:
      return make_directory(in->unique, n, body + sizeof(struct fuse_mkdir_in));
    case FUSE_RMDIR:
      return remove_directory(in->unique, n, body);
    case FUSE_OPEN:
    case FUSE_OPENDIR: {
      const struct fuse_open_out out = {.open_flags = FOPEN_DIRECT_IO};
      return reply(in->unique, 0, &out, sizeof out);
    }
    case FUSE_READ: {
      const size_t size = read_node(n, text, sizeof text);
      const size_t from = read_in->offset < size ? read_in->offset : size;
      return reply(in->unique, 0, text + from, size - from < read_in->size ? size - from : read_in->size);
    }
    case FUSE_WRITE: {
      const size_t size = write_in->size < sizeof text - 1 ? write_in->size : sizeof text - 1;
      memcpy(text, body + sizeof *write_in, size);
      text[size] = 0;
      const struct fuse_write_out out = {.size = (uint32_t)size};
      const int error = write_node(n, text, size);
      return reply(in->unique, error, &out, error == 0 ? sizeof out : 0);
    }
    case FUSE_READDIR:
      return read_directory(in->unique, n, read_in);
    case FUSE_RELEASE:
    case FUSE_RELEASEDIR:
      return reply(in->unique, 0, NULL, 0);
    default:
      return reply(in->unique, in->opcode == FUSE_CREATE || in->opcode == FUSE_UNLINK ? EPERM : ENOSYS, NULL, 0);
  }
}

int main(int argc, char** argv) {
  static char buffer[kBuffer];
  char options[64];
  device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
  snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other", device);
  make_root();
  if (argc != 2 || device < 0 || unshare(CLONE_NEWNS) < 0 || mount("", "/", "", MS_REC | MS_PRIVATE, NULL) < 0 || mount("resctrl", argv[1], "fuse.resctrl", 0, options) < 0) {
    perror("resctrl: mount");
    return 1;
  }
  printf("ready\n");
  fflush(stdout);
  for (;;) {
    const ssize_t size = read(device, buffer, sizeof buffer);
    if (size < 0 && (errno == EINTR || errno == EAGAIN || errno == ENOENT)) continue;
    if (size < 0) return errno == ENODEV ? 0 : 1;
    serve((const struct fuse_in_header*)buffer, buffer + sizeof(struct fuse_in_header));
  }
}
