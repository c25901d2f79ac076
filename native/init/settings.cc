// Steps that each set one property of the process, or of a namespace, with one kernel call.
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "init/context.h"
#include "init/paths.h"
#include "plan_steps.h"
#include "sys/cpu_mask.h"
#include "sys/scheduler.h"
#include "sys/syscall.h"
#include "sys/text.h"

namespace tsrun::step {
namespace {

constexpr uint64_t kInsideProc =
    RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;

Failure write_all(int file, const char* value, size_t size, const char* path) noexcept {
  return ::write(file, value, size) < 0 ? fail("write", path) : kOk;
}

// `self` is a link of procfs, so the process's directory is opened first.
constexpr uint64_t kFollowSelf = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS;

Fd open_attribute(Context& context, const char* name) noexcept {
  Fd self{sys::openat2(private_proc(context), "self/attr", O_PATH | O_DIRECTORY, kFollowSelf)};
  if (!self) return self;
  return Fd{sys::openat2(self.get(), name, O_WRONLY, kInsideProc)};
}

// Files of this process belong to root while it is not dumpable; an ordinary user needs a moment without.
Fd open_own(const char* path) noexcept {
  Fd file{::open(path, O_WRONLY | O_CLOEXEC)};
  if (file || errno != EACCES) return file;
  (void)::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
  file.reset(::open(path, O_WRONLY | O_CLOEXEC));
  const int error = errno;
  (void)::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  errno = error;
  return file;
}

}  // namespace

// The first step: nobody else is in reach, and /proc is the runtime's.
Failure run(const OomScoreAdj& s, Context&) noexcept {
  constexpr const char* kPath = "/proc/self/oom_score_adj";
  const Fd file = open_own(kPath);
  if (!file) return fail("open", kPath);
  char value[16] = "-";
  // Unsigned, as the lowest number has no opposite.
  const bool below = static_cast<int32_t>(s.value) < 0;
  value[below] = 0;
  append_number(value, sizeof value, below ? 0U - s.value : s.value);
  if (::write(file.get(), value, strlen(value)) >= 0) return kOk;
  return fail("write", kPath, errno == EACCES ? "to lower it takes CAP_SYS_RESOURCE" : "");
}

// Through the runtime's own procfs: what the container mounts on /proc/sys has no say (CVE-2025-52881).
Failure run(const Sysctl& s, Context& context) noexcept {
  const int proc = private_proc(context);
  if (proc < 0) return fail("fsopen", "proc");
  Fd sys{sys::openat2(proc, "sys", O_PATH | O_DIRECTORY, kInsideProc)};
  if (!sys) return fail("openat", "/proc/sys");
  Fd file{sys::openat2(sys.get(), s.key.data, O_WRONLY, kInsideProc)};
  if (!file) return fail("openat2", s.key.data);
  return write_all(file.get(), s.value.data, s.value.size, s.key.data);
}

namespace {

// The kernel says no more than that a name is unknown.
Failure write_label(int file, const char* value, int unknown, const char* reason,
                    Text name) noexcept {
  constexpr const char* kPath = "/proc/self/attr/exec";
  if (::write(file, value, strlen(value)) >= 0) return kOk;
  if (errno != unknown) return fail("write", kPath);
  static char detail[512];
  append_text(detail, sizeof detail, reason);
  append_text(detail, sizeof detail, name.data);
  errno = unknown;
  return fail("write", kPath, detail);
}

}  // namespace

Failure run(const Apparmor& s, Context& context) noexcept {
  Fd file = open_attribute(context, "apparmor/exec");
  if (!file) file = open_attribute(context, "exec");
  if (!file) return fail("openat2", "/proc/self/attr/exec");
  char value[4096] = "exec ";
  append_text(value, sizeof value, s.profile.data);
  return write_label(file.get(), value, ENOENT, "no profile of this name is loaded: ", s.profile);
}

Failure run(const Selinux& s, Context& context) noexcept {
  Fd file = open_attribute(context, "exec");
  if (!file) return fail("openat2", "/proc/self/attr/exec");
  return write_label(file.get(), s.label.data, EINVAL, "the policy has no such label: ", s.label);
}

Failure run(const Umask& s, Context&) noexcept {
  (void)::umask(s.mode);
  return kOk;
}

// The runtime may be bound to some CPUs; the container's cpuset alone is to decide for the container,
// or a list in the config.
Failure run(const Affinity& s, Context&) noexcept {
  static CpuMask mask;
  const bool all = strcmp(s.cpus.data, "all") == 0;
  if (all) mask.set_all();
  if (!all && !mask.parse(s.cpus.data))
    return refuse(EINVAL, "sched_setaffinity", s.cpus.data, "not a list of CPUs");
  if (::syscall(SYS_sched_setaffinity, 0, sizeof mask.bits, mask.bits) == 0) return kOk;
  return all && errno == EINVAL ? kOk : fail("sched_setaffinity", s.cpus.data);
}

Failure run(const Rlimit& s, Context&) noexcept {
  const uint64_t limit[2] = {s.soft, s.hard};
  return ::syscall(SYS_prlimit64, 0, s.resource, limit, nullptr) < 0 ? fail("prlimit64") : kOk;
}

Failure run(const Scheduler& s, Context&) noexcept {
  const sys::SchedAttr attributes{
      sizeof attributes, s.policy,  s.flags,    static_cast<int32_t>(s.nice),
      s.priority,        s.runtime, s.deadline, s.period};
  if (sys::sched_setattr(0, attributes) == 0) return kOk;
  return fail("sched_setattr", "", sys::why_no_scheduler(s.policy, errno));
}

Failure run(const IoPriority& s, Context&) noexcept {
  return ::syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, s.value) < 0 ? fail("ioprio_set") : kOk;
}

Failure run(const Personality& s, Context&) noexcept {
  return ::syscall(SYS_personality, s.domain) < 0 ? fail("personality") : kOk;
}

// It is inherited by every process of the container, and kept across execve. The mask of nodes has the
// form of a mask of CPUs; the kernel counts one bit more than it reads.
Failure run(const MemoryPolicy& s, Context&) noexcept {
  static CpuMask nodes;
  const bool given = !s.nodes.empty();
  if (given && !nodes.parse(s.nodes.data))
    return refuse(EINVAL, "set_mempolicy", s.nodes.data, "not a list of memory nodes");
  const unsigned long bits = given ? CpuMask::kMaxCpus + 1 : 0;
  if (::syscall(SYS_set_mempolicy, s.mode | s.flags, given ? nodes.bits : nullptr, bits) == 0)
    return kOk;
  const bool refused = given && errno == EINVAL;
  return fail("set_mempolicy", s.nodes.data,
              refused ? "a node is not online, not in the container's cpuset, or the kernel does "
                        "not know mode or flags"
                      : "");
}

Failure run(const NoNewPrivileges&, Context&) noexcept {
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? fail("prctl(PR_SET_NO_NEW_PRIVS)") : kOk;
}

}  // namespace tsrun::step
