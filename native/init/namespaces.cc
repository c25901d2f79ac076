// Steps that join and make namespaces and give them what belongs to them.
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "init/context.h"
#include "init/end.h"
#include "plan_steps.h"
#include "sys/keyring.h"
#include "sys/syscall.h"

namespace tsrun::step {
namespace {

constexpr uint32_t kMaxNamespaces = 8;

struct Joined {
  Fd fd[kMaxNamespaces];
  bool done[kMaxNamespaces] = {};
};

Failure write_text(int dir, const char* path, const char* text, size_t size) noexcept {
  Fd file{::openat(dir, path, O_WRONLY | O_CLOEXEC)};
  if (!file) return fail("openat", path);
  if (::write(file.get(), text, size) < 0) return fail("write", path);
  return kOk;
}

// setns(2) into the user namespace one already lives in is EINVAL, and nothing needs to be done.
bool is_own_user_namespace(int fd) noexcept {
  struct stat own, other;
  return ::stat("/proc/self/ns/user", &own) == 0 && ::fstat(fd, &other) == 0 &&
         own.st_ino == other.st_ino && own.st_dev == other.st_dev;
}

Failure open_all(const JoinNamespaces& s, Joined& joined) noexcept {
  uint32_t i = 0;
  return s.paths.for_each([&](Text path) -> Failure {
    Fd& fd = joined.fd[i];
    fd.reset(::open(path.data, O_RDONLY | O_CLOEXEC));
    if (!fd) return fail("open", path.data);
    const int type = ::ioctl(fd.get(), NS_GET_NSTYPE);
    if (type < 0) return refuse(EINVAL, "ioctl(NS_GET_NSTYPE)", path.data, "not a namespace");
    if (static_cast<uint32_t>(type) != s.types[i])
      return refuse(EINVAL, "ioctl(NS_GET_NSTYPE)", path.data, "a namespace of another type");
    // Asked while /proc is the runtime's: in a mount namespace that is joined it is what others made it.
    if (type == CLONE_NEWUSER) joined.done[i] = is_own_user_namespace(fd.get());
    i++;
    return kOk;
  });
}

// One pass over what is not joined yet. `user`: only the user namespace; else all the others.
Failure join_pass(const JoinNamespaces& s, Joined& joined, bool user, bool tolerate) noexcept {
  uint32_t i = 0;
  return s.paths.for_each([&](Text path) -> Failure {
    const uint32_t at = i++;
    const bool is_user = s.types[at] == CLONE_NEWUSER;
    if (joined.done[at] || is_user != user) return kOk;
    if (::setns(joined.fd[at].get(), static_cast<int>(s.types[at])) == 0)
      joined.done[at] = true;
    else if (!tolerate || errno != EPERM)
      return fail("setns", path.data);
    return kOk;
  });
}

}  // namespace

// `tasks`, which cgroup v1 alone has, moves this one thread, and there is no other: cgroup.procs would
// lock all thread groups of the machine, for which the kernel waits 10 ms and more (an RCU grace period).
Failure run(const JoinCgroups& s, Context&) noexcept {
  return s.paths.for_each([](Text path) -> Failure {
    Fd dir{::open(path.data, O_PATH | O_DIRECTORY | O_CLOEXEC)};
    if (!dir) return fail("open", path.data);
    Failure failure = write_text(dir.get(), "tasks", "0", 1);
    if (failure && failure.error == ENOENT) failure = write_text(dir.get(), "cgroup.procs", "0", 1);
    if (failure) failure.path = path.data;
    return failure;
  });
}

// Namespaces owned by the runtime's user namespace must be joined before the container's user
// namespace takes the privilege away; those owned by the container's can only be joined after.
Failure run(const JoinNamespaces& s, Context& context) noexcept {
  if (s.paths.count > kMaxNamespaces) return hostile_plan();
  // For `unshareTime`, which may find the procfs of others, or none that it has the rights to make.
  context.proc_self.reset(::open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC));
  Joined joined;
  if (Failure failure = open_all(s, joined)) return failure;
  if (Failure failure = join_pass(s, joined, false, true)) return failure;
  if (Failure failure = join_pass(s, joined, true, false)) return failure;
  return join_pass(s, joined, false, false);
}

// All at once and by pidfd: no pid can have been reused, and the kernel itself knows in which order
// the namespaces give and need privilege. setns(2) also moves root and working directory to the top
// of the mount namespace.
Failure run(const EnterNamespaces& s, Context& context) noexcept {
  if (!context.target) return hostile_plan();
  // While the runtime's own is in reach: the container's procfs does not know this process.
  if (s.procfs && private_proc(context) < 0) return fail("fsopen", "proc");
  if (s.types != 0 && ::setns(context.target.get(), static_cast<int>(s.types)) < 0) {
    const bool gone = errno == ESRCH;
    return fail("setns", "", gone ? "the container's init process has ended" : "");
  }
  context.target.reset();
  return kOk;
}

Failure run(const UnshareTime& s, Context& context) noexcept {
  if (::unshare(CLONE_NEWTIME) < 0) return fail("unshare", "", "time namespace");
  if (s.offsets.empty()) return kOk;
  const int self = context.proc_self ? context.proc_self.get() : AT_FDCWD;
  const char* path = context.proc_self ? "timens_offsets" : "/proc/self/timens_offsets";
  Failure failure = write_text(self, path, s.offsets.data, s.offsets.size);
  if (failure.error == ERANGE)
    failure.detail = "a clock of the container would be before 0 or after the kernel's last second";
  return failure;
}

// CLONE_PARENT: the container's init becomes a child of the runtime, not of this process. It goes on
// when this process has told the parent who it is and has ended, before it can say anything itself.
// clone(2), which profiles permit where they refuse clone3(2), whose flags no filter can see.
Failure run(const Fork& s, Context& context) noexcept {
  // Of other pids than the container's: not even for a moment may its processes find these in the child.
  context.proc_self.reset();
  context.proc.reset();
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) < 0) return fail("pipe2");
  Fd read_end{ends[0]}, write_end{ends[1]};
  int pidfd = -1;
  const long pid =
      ::syscall(SYS_clone, s.flags | CLONE_PARENT | CLONE_PIDFD, nullptr, &pidfd, nullptr, nullptr);
  if (pid < 0) return fail("clone");
  if (pid > 0) {
    const FrameHead head{FrameType::child, context.step, 0, static_cast<uint32_t>(pid)};
    if (!send_frame(context, head, "", "", "", pidfd)) {
      const Failure failure = fail("sendmsg");
      // Gone before anybody hears of this; where a filter forbids it, it ends by itself.
      pollfd end{pidfd, POLLIN, 0};
      if (sys::pidfd_send_signal(pidfd, SIGKILL) == 0) (void)::poll(&end, 1, 1000);
      return failure;
    }
    if (::write(write_end.get(), &kGo, 1) < 0) return fail("write");
    end_process(0);
  }
  write_end.reset();
  char told = 0;
  ssize_t got;
  do got = ::read(read_end.get(), &told, 1);
  while (got > 0 || (got < 0 && errno == EINTR));
  if (told != kGo) end_process(1);
  obey_ends();
  return kOk;
}

Failure run(const BecomeRoot&, Context&) noexcept {
  if (::syscall(SYS_setresgid, 0, 0, 0) < 0) return fail("setresgid", "0");
  if (::syscall(SYS_setresuid, 0, 0, 0) < 0) return fail("setresuid", "0");
  return kOk;
}

// After the cgroup is joined: the namespace's root is the cgroup of this moment.
Failure run(const UnshareCgroup&, Context&) noexcept {
  return ::unshare(CLONE_NEWCGROUP) < 0 ? fail("unshare", "", "cgroup namespace") : kOk;
}

Failure run(const NewSession&, Context&) noexcept {
  // EPERM: already a session leader, for example pid 1 of a joined namespace.
  return ::setsid() < 0 && errno != EPERM ? fail("setsid") : kOk;
}

Failure run(const Keyring& s, Context&) noexcept {
  if (join_session_keyring(s.name.data) >= 0) return kOk;
  // Kernels without keyrings and profiles that forbid them have nothing to isolate.
  return errno != ENOSYS && errno != EPERM ? fail("keyctl", s.name.data) : kOk;
}

Failure run(const Loopback&, Context&) noexcept {
  Fd socket{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  if (!socket) return fail("socket");
  ifreq request{};
  memcpy(request.ifr_name, "lo", 3);
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  return ::ioctl(socket.get(), SIOCSIFFLAGS, &request) < 0 ? fail("ioctl(SIOCSIFFLAGS)", "lo")
                                                           : kOk;
}

Failure run(const Hostname& s, Context&) noexcept {
  return ::sethostname(s.name.data, s.name.size) < 0 ? fail("sethostname", s.name.data) : kOk;
}

Failure run(const Domainname& s, Context&) noexcept {
  return ::setdomainname(s.name.data, s.name.size) < 0 ? fail("setdomainname", s.name.data) : kOk;
}

}  // namespace tsrun::step
