// The container's program of bundles/hello: reports what a process sees from inside its container.
// The host's namespaces can't be seen from here; HOST_NAMESPACES may name them, as in
// "pid:[4026531836] uts:[4026531838]".
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <array>

#include "sys/directory.h"

namespace {

constexpr std::array kCapabilities = {"chown",
                                      "dac_override",
                                      "dac_read_search",
                                      "fowner",
                                      "fsetid",
                                      "kill",
                                      "setgid",
                                      "setuid",
                                      "setpcap",
                                      "linux_immutable",
                                      "net_bind_service",
                                      "net_broadcast",
                                      "net_admin",
                                      "net_raw",
                                      "ipc_lock",
                                      "ipc_owner",
                                      "sys_module",
                                      "sys_rawio",
                                      "sys_chroot",
                                      "sys_ptrace",
                                      "sys_pacct",
                                      "sys_admin",
                                      "sys_boot",
                                      "sys_nice",
                                      "sys_resource",
                                      "sys_time",
                                      "sys_tty_config",
                                      "mknod",
                                      "lease",
                                      "audit_write",
                                      "audit_control",
                                      "setfcap",
                                      "mac_override",
                                      "mac_admin",
                                      "syslog",
                                      "wake_alarm",
                                      "block_suspend",
                                      "audit_read",
                                      "perfmon",
                                      "bpf",
                                      "checkpoint_restore"};

/// File name in /proc/self/ns and the name that config.json gives the namespace.
struct NamespaceType {
  const char* file;
  const char* name;
};
constexpr std::array<NamespaceType, 8> kNamespaces = {{{"pid", "pid"},
                                                       {"mnt", "mount"},
                                                       {"net", "network"},
                                                       {"uts", "uts"},
                                                       {"ipc", "ipc"},
                                                       {"cgroup", "cgroup"},
                                                       {"user", "user"},
                                                       {"time", "time"}}};

/// One line of the report under construction; what doesn't fit is cut off.
struct Line {
  char text[1024] = "";
  size_t length = 0;

  [[gnu::format(printf, 2, 3)]] void add(const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    const int written = vsnprintf(text + length, sizeof text - length, format, arguments);
    va_end(arguments);
    if (written > 0) length += static_cast<size_t>(written);
    if (length >= sizeof text) length = sizeof text - 1;
  }
};

void report(const char* label, const Line& line) { printf("  %-14s%s\n", label, line.text); }

/// The value of a field of /proc/self/status, without the white space before it.
void status_field(const char* name, char* value, size_t size) {
  (void)snprintf(value, size, "?");
  FILE* file = fopen("/proc/self/status", "re");
  if (!file) return;
  char line[256];
  const size_t length = strlen(name);
  while (fgets(line, sizeof line, file)) {
    if (strncmp(line, name, length) != 0 || line[length] != ':') continue;
    const char* start = line + length + 1 + strspn(line + length + 1, " \t");
    (void)snprintf(value, size, "%.*s", static_cast<int>(strcspn(start, "\n")), start);
  }
  (void)fclose(file);
}

void report_process() {
  Line line;
  line.add("pid %d, uid %u, gid %u", getpid(), getuid(), getgid());
  unsigned others = 0;
  tsrun::Directory proc{opendir("/proc")};
  while (const dirent* entry = proc ? proc.next() : nullptr) {
    const int pid = atoi(entry->d_name);
    others += pid > 0 && pid != getpid();
  }
  if (others == 0) line.add("; sees no other process");
  if (others > 0) line.add("; sees %u other processes", others);
  report("process", line);
}

void report_hostname() {
  char name[256] = "?";
  (void)gethostname(name, sizeof name);
  Line line;
  line.add("%s", name);
  report("hostname", line);
}

void report_namespaces() {
  const char* host = getenv("HOST_NAMESPACES");
  Line own, shared;
  for (const NamespaceType& type : kNamespaces) {
    char path[64], link[64] = "";
    (void)snprintf(path, sizeof path, "/proc/self/ns/%s", type.file);
    if (readlink(path, link, sizeof link - 1) < 0) continue;
    if (!host)
      own.add(" %s", link);
    else
      (strstr(host, link) ? shared : own).add(" %s", type.name);
  }
  Line line;
  line.add("%s%s", host ? "own:" : "", own.length ? own.text : " none");
  if (shared.length) line.add("; the host's:%s", shared.text);
  report("namespaces", line);
}

void report_root() {
  struct statvfs info;
  Line line;
  const bool known = statvfs("/", &info) == 0;
  line.add("%s; holds", known && (info.f_flag & ST_RDONLY) ? "read-only" : "writable");
  tsrun::Directory root{opendir("/")};
  while (const dirent* entry = root ? root.next() : nullptr)
    if (entry->d_name[0] != '.') line.add(" %s", entry->d_name);
  report("rootfs", line);
}

void report_mounts() {
  Line list;
  unsigned count = 0, masked = 0;
  if (FILE* file = fopen("/proc/self/mountinfo", "re")) {
    char row[4096], target[1024];
    while (fgets(row, sizeof row, file)) {
      if (sscanf(row, "%*u %*u %*s %*s %1023s", target) != 1) continue;
      count++;
      // Below /proc and /sys there are only masked and read-only paths and the cgroup file systems.
      const bool hidden = strncmp(target, "/proc/", 6) == 0 || strncmp(target, "/sys/", 5) == 0;
      masked += hidden;
      if (!hidden) list.add(" %s", target);
    }
    (void)fclose(file);
  }
  Line line;
  line.add("%u:%s", count, list.text);
  if (masked) line.add("; %u below /proc and /sys", masked);
  report("mounts", line);
}

void report_privileges() {
  char value[64];
  status_field("CapEff", value, sizeof value);
  const unsigned long long bits = strtoull(value, nullptr, 16);
  Line line, names;
  unsigned count = 0;
  for (size_t i = 0; i < kCapabilities.size(); i++) {
    if (!(bits >> i & 1)) continue;
    count++;
    names.add(" %s", kCapabilities[i]);
  }
  line.add("%u of %zu%s%s", count, kCapabilities.size(), count ? ":" : "",
           count == kCapabilities.size() ? " all" : names.text);
  report("capabilities", line);

  Line privileges;
  status_field("NoNewPrivs", value, sizeof value);
  privileges.add("%s", strcmp(value, "1") == 0 ? "yes" : "no");
  report("no_new_privs", privileges);

  Line seccomp;
  status_field("Seccomp", value, sizeof value);
  seccomp.add("mode %s%s", value, strcmp(value, "2") == 0 ? " (filter)" : "");
  report("seccomp", seccomp);
}

void report_cgroup() {
  Line line;
  unsigned count = 0;
  char own[256] = "none";
  if (FILE* file = fopen("/proc/self/cgroup", "re")) {
    char row[512];
    while (fgets(row, sizeof row, file)) {
      char* path = strrchr(row, ':');
      if (!path) continue;
      path[strcspn(path, "\n")] = 0;
      if (count++ == 0 || strncmp(row, "0::", 3) == 0)
        (void)snprintf(own, sizeof own, "%s", path + 1);
    }
    (void)fclose(file);
  }
  line.add("%s", own);
  if (count > 1) line.add(" (in %u hierarchies)", count);
  report("cgroup", line);
}

}  // namespace

int main() {
  report_process();
  report_hostname();
  report_namespaces();
  report_root();
  report_mounts();
  report_privileges();
  report_cgroup();
  return 0;
}
