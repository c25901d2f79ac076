// What must hold of a place before anything is mounted on it, and how a detached mount gets there.
#include "init/mount_tree.h"

#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include "init/paths.h"
#include "sys/syscall.h"
#include "sys/text.h"

namespace tsrun {
namespace {

bool is_same_file(const struct stat& one, const struct stat& other) noexcept {
  return one.st_ino == other.st_ino && one.st_dev == other.st_dev;
}

// The plan's destinations are free of `.`, `..` and doubled slashes.
bool is_proc_path(const char* path) noexcept {
  return strncmp(path, "/proc", 5) == 0 && (path[5] == 0 || path[5] == '/');
}

}  // namespace

// Whatever the names say, what counts is where they lead: programs in the container trust /proc, so
// nothing but a procfs may cover it (CVE-2019-16884), and nothing be mounted in it by a link.
Failure check_target(const Context& context, int target, const char* destination,
                     bool is_procfs) noexcept {
  struct stat root, own, proc;
  if (::fstat(context.root.get(), &root) < 0 || ::fstat(target, &own) < 0)
    return fail("fstat", destination);
  // `/` by name means the root; what comes later lies in the mount, which takes its place.
  if (is_same_file(root, own) && strcmp(destination, "/") != 0)
    return refuse(EINVAL, "openat2", destination, "the destination is the container's root");
  const Fd proc_dir = open_in_root(context, "/proc");
  if (!is_procfs && proc_dir && ::fstat(proc_dir.get(), &proc) == 0 && is_same_file(proc, own))
    return refuse(EPERM, "openat2", destination, "only a procfs may be mounted at /proc");
  struct statfs fs;
  if (::fstatfs(target, &fs) < 0) return fail("fstatfs", destination);
  const bool says_proc = is_proc_path(destination);
  if (fs.f_type == PROC_SUPER_MAGIC && !says_proc)
    return refuse(EPERM, "openat2", destination, "the destination leads into procfs");
  return kOk;
}

namespace {

// The kernel says EINVAL to a directory on a file and the other way round. ENOTDIR is what mount(2)
// said, and what engines have words for.
Failure attach_failed(int mount, int target, const char* destination) noexcept {
  const int error = errno;
  struct stat what, where;
  if (error != EINVAL || ::fstat(mount, &what) < 0 || ::fstat(target, &where) < 0 ||
      S_ISDIR(what.st_mode) == S_ISDIR(where.st_mode))
    return refuse(error, "move_mount", destination, "");
  const bool onto_file = S_ISDIR(what.st_mode);
  return refuse(ENOTDIR, "move_mount", destination,
                onto_file ? "the source is a directory, the destination a file"
                          : "the source is a file, the destination a directory");
}

}  // namespace

Failure attach_mount(int mount, int target, const Attach& attach) noexcept {
  if (sys::move_mount(mount, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
    return attach_failed(mount, target, attach.destination);
  return finish_mount(mount, attach);
}

Failure finish_mount(int mount, const Attach& attach) noexcept {
  if (attach.recursive_set != 0 || attach.recursive_clear != 0) {
    sys::MountAttributes attributes;
    attributes.set = attach.recursive_set;
    attributes.clear = attach.recursive_clear;
    if (sys::mount_setattr(mount, "", AT_EMPTY_PATH | AT_RECURSIVE, attributes) < 0)
      return fail("mount_setattr", attach.destination, errno == EPERM ? kLocked : "");
  }
  for (uint32_t i = 0; i < attach.propagation.count; i++) {
    sys::MountAttributes attributes;
    attributes.propagation = attach.propagation[i] & ~static_cast<uint32_t>(MS_REC);
    const unsigned recursive = attach.propagation[i] & MS_REC ? AT_RECURSIVE : 0;
    if (sys::mount_setattr(mount, "", AT_EMPTY_PATH | recursive, attributes) < 0)
      return fail("mount_setattr", attach.destination);
  }
  return kOk;
}

Failure detach_mount(Context& context, int mount, const char* destination) noexcept {
  constexpr int kDetach = 2;  // MNT_DETACH of umount2(2)
  char name[32] = "self/fd/";
  append_number(name, sizeof name, static_cast<uint32_t>(mount));
  Fd cwd{::open(".", O_PATH | O_DIRECTORY | O_CLOEXEC)};
  if (!cwd || ::fchdir(private_proc(context)) < 0) return fail("fchdir");
  const bool gone = ::syscall(SYS_umount2, name, kDetach) == 0;
  const Failure failure = gone ? kOk : fail("umount2", destination);
  return ::fchdir(cwd.get()) < 0 ? fail("fchdir") : failure;
}

unsigned clone_flags(bool recursive, bool no_follow) noexcept {
  constexpr unsigned kNoFollow = 0x100;  // AT_SYMLINK_NOFOLLOW
  return OPEN_TREE_CLONE | (recursive ? AT_RECURSIVE : 0U) | (no_follow ? kNoFollow : 0U);
}

const char* why_not_cloned(int error, bool recursive) noexcept {
  if (error != EINVAL) return "";
  return recursive ? "it is unbindable"
                   : "it is unbindable, or has mounts below it that a user namespace does not let "
                     "uncover: then bind it with rbind";
}

}  // namespace tsrun
