// Tries what the kernel offers to this process, in a child of its own that ends at once: nothing of it stays.
#include <fcntl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <string>

#include "addon/failure.h"
#include "addon_functions.h"
#include "sys/fd.h"
#include "sys/syscall.h"

namespace tsrun {
namespace {

int result_of(long result) { return result < 0 ? errno : 0; }

// A call with arguments that cannot do anything: any answer but ENOSYS and EPERM says that it is there.
int answers(long number, long first = -1) {
  if (syscall(number, first, nullptr, 0, 0, 0) >= 0) return 0;
  return errno == ENOSYS || errno == EPERM ? errno : 0;
}

int own_namespaces(unsigned long flags) { return result_of(unshare(static_cast<int>(flags))); }

bool write_text(const std::string& path, const std::string& text) {
  const Fd file{open(path.c_str(), O_WRONLY | O_CLOEXEC)};
  return file && write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

// Below a tmpfs of its own, in a mount namespace of its own.
int overlay(bool user) {
  const std::string uid = "0 " + std::to_string(geteuid()) + " 1";
  const std::string gid = "0 " + std::to_string(getegid()) + " 1";
  if (const int error = own_namespaces(CLONE_NEWNS | (user ? CLONE_NEWUSER : 0UL))) return error;
  if (user && (!write_text("/proc/self/setgroups", "deny") ||
               !write_text("/proc/self/uid_map", uid) || !write_text("/proc/self/gid_map", gid)))
    return errno;
  if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) < 0) return errno;
  if (mount("tmpfs", "/tmp", "tmpfs", 0, nullptr) < 0) return errno;
  for (const char* name : {"/tmp/lower", "/tmp/upper", "/tmp/work", "/tmp/merged"})
    if (mkdir(name, 0700) < 0) return errno;
  return result_of(mount("overlay", "/tmp/merged", "overlay", 0,
                         "lowerdir=/tmp/lower,upperdir=/tmp/upper,workdir=/tmp/work"));
}

// The user namespace is that of a child, which waits for the end of the pipe.
int id_mapped(const char* directory) {
  int ends[2], ready[2];
  if (pipe2(ends, O_CLOEXEC) < 0 || pipe2(ready, O_CLOEXEC) < 0) return errno;
  const pid_t child = fork();
  if (child < 0) return errno;
  if (child == 0) {
    (void)close(ends[1]);
    auto done = static_cast<uint8_t>(unshare(CLONE_NEWUSER) < 0 ? errno : 0);
    (void)!write(ready[1], &done, 1);
    (void)!read(ends[0], &done, 1);
    _exit(0);
  }
  char done = 0;
  int error = read(ready[0], &done, 1) == 1 ? done : EIO;
  const std::string process = "/proc/" + std::to_string(child);
  if (error == 0 && (!write_text(process + "/uid_map", "0 100000 65536") ||
                     !write_text(process + "/gid_map", "0 100000 65536")))
    error = errno;
  if (error == 0) {
    const Fd space{open((process + "/ns/user").c_str(), O_RDONLY | O_CLOEXEC)};
    const Fd tree{sys::open_tree(AT_FDCWD, directory, OPEN_TREE_CLONE)};
    sys::MountAttributes attributes{};
    attributes.set = MOUNT_ATTR_IDMAP;
    attributes.userns_fd = static_cast<uint64_t>(space.get());
    error = !space || !tree
                ? errno
                : result_of(sys::mount_setattr(tree.get(), "", AT_EMPTY_PATH, attributes));
  }
  (void)close(ends[1]);
  (void)waitpid(child, nullptr, 0);
  return error;
}

int seccomp_action(uint32_t action) {
  return result_of(syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action));
}

int attempt(ProbeName what, const char* path) {
  switch (what) {
    case ProbeName::openat2:
      return answers(SYS_openat2);
    case ProbeName::clone3:
      return answers(SYS_clone3, 0);
    case ProbeName::newMounts:
      return answers(SYS_mount_setattr);
    case ProbeName::pidfd:
      return answers(SYS_pidfd_open);
    case ProbeName::userNamespace:
      return own_namespaces(CLONE_NEWUSER);
    case ProbeName::mountNamespace:
      return own_namespaces(CLONE_NEWNS);
    case ProbeName::timeNamespace:
      return own_namespaces(0x80);  // CLONE_NEWTIME
    case ProbeName::overlay:
      return overlay(false);
    case ProbeName::overlayInUserNamespace:
      return overlay(true);
    case ProbeName::idMappedMount:
      return id_mapped(path);
    case ProbeName::seccompKill:
      return seccomp_action(SECCOMP_RET_KILL_PROCESS);
    case ProbeName::seccompLog:
      return seccomp_action(SECCOMP_RET_LOG);
    case ProbeName::seccompNotify:
      return seccomp_action(0x7fc00000U);  // SECCOMP_RET_USER_NOTIF
  }
  return ENOSYS;
}

}  // namespace

// Errno of what was tried; 0: it works.
int32_t probe(ProbeName what, const std::string& path) {
  const pid_t child = fork();
  if (child < 0) throw_errno("fork");
  if (child == 0) _exit(attempt(what, path.c_str()));
  int status = 0;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR) throw_errno("waitpid");
  return WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;
}

std::string kernel_release() {
  utsname name;
  return uname(&name) < 0 ? "" : std::string(name.release) + " " + name.machine;
}

}  // namespace tsrun
