// Steps that make device nodes and the links in /dev.
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "init/context.h"
#include "init/paths.h"
#include "plan_steps.h"
#include "sys/syscall.h"

namespace tsrun::step {
namespace {

bool is_same_device(const struct stat& info, mode_t type, dev_t number) noexcept {
  return (info.st_mode & S_IFMT) == type && (type == S_IFIFO || info.st_rdev == number);
}

// Where mknod(2) is not allowed (user namespaces) the host's node is bound, after a look at it.
Failure bind_host_device(int dir, const char* name, const Device& s, mode_t type) noexcept {
  const char* path = s.path.data;
  Fd tree{sys::open_tree(AT_FDCWD, path, OPEN_TREE_CLONE)};
  if (!tree) return fail("open_tree", path);
  struct stat info;
  if (::fstat(tree.get(), &info) < 0) return fail("fstat", path);
  if (!is_same_device(info, type, makedev(s.major, s.minor)))
    return refuse(EINVAL, "fstat", path, "the host's device has other numbers");
  sys::MountAttributes attributes;
  attributes.set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC;
  if (sys::mount_setattr(tree.get(), "", AT_EMPTY_PATH, attributes) < 0)
    return fail("mount_setattr", path);
  Fd target{::openat(dir, name, O_CREAT | O_NOFOLLOW | O_RDONLY | O_CLOEXEC, 0644)};
  if (!target) return fail("openat", path);
  if (sys::move_mount(tree.get(), "", target.get(), "",
                      MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
    return fail("move_mount", path);
  return kOk;
}

Failure check_existing(int dir, const char* name, const Device& s, mode_t type) noexcept {
  struct stat info;
  if (::fstatat(dir, name, &info, AT_SYMLINK_NOFOLLOW) < 0) return fail("fstatat", s.path.data);
  if (!is_same_device(info, type, makedev(s.major, s.minor)))
    return refuse(EEXIST, "mknodat", s.path.data, "the image has another file there");
  return kOk;
}

}  // namespace

Failure run(const Device& s, Context& context) noexcept {
  Fd dir;
  const char* name;
  if (Failure failure = open_parent(context, s.path.data, dir, name)) return failure;
  const mode_t type = s.type;
  if (::mknodat(dir.get(), name, type | (s.mode & 07777), makedev(s.major, s.minor)) < 0) {
    if (errno == EPERM) return bind_host_device(dir.get(), name, s, type);
    if (errno != EEXIST) return fail("mknodat", s.path.data);
    return check_existing(dir.get(), name, s, type);
  }
  if ((s.uid != 0 || s.gid != 0) &&
      ::fchownat(dir.get(), name, s.uid, s.gid, AT_SYMLINK_NOFOLLOW) < 0)
    return fail("fchownat", s.path.data);
  return kOk;
}

// A file of the image with that name gives way, except when it is already the link.
Failure run(const Symlink& s, Context& context) noexcept {
  Fd dir;
  const char* name;
  if (Failure failure = open_parent(context, s.path.data, dir, name)) return failure;
  if (::symlinkat(s.target.data, dir.get(), name) == 0) return kOk;
  if (errno != EEXIST) return fail("symlinkat", s.path.data);
  char old[256];
  const ssize_t length = ::readlinkat(dir.get(), name, old, sizeof old);
  if (length == static_cast<ssize_t>(s.target.size) &&
      memcmp(old, s.target.data, s.target.size) == 0)
    return kOk;
  if (::unlinkat(dir.get(), name, 0) < 0) return fail("unlinkat", s.path.data);
  return ::symlinkat(s.target.data, dir.get(), name) < 0 ? fail("symlinkat", s.path.data) : kOk;
}

}  // namespace tsrun::step
