// Steps that make the rootfs the root of the mount namespace.
#include <string.h>
#include <sys/stat.h>

#include "init/context.h"
#include "init/paths.h"
#include "plan_steps.h"
#include "sys/syscall.h"

namespace tsrun::step {
namespace {

// Makes the mount that `dir` lies in private. Only a mount's root takes attributes, so climb to it.
Failure make_mount_private(int dir) noexcept {
  sys::MountAttributes attributes;
  attributes.propagation = MS_PRIVATE;
  Fd at{::openat(dir, ".", O_PATH | O_DIRECTORY | O_CLOEXEC)};
  for (int depth = 0; at && depth < 4096; depth++) {
    if (sys::mount_setattr(at.get(), "", AT_EMPTY_PATH, attributes) == 0) return kOk;
    if (errno != EINVAL) break;
    at.reset(::openat(at.get(), "..", O_PATH | O_DIRECTORY | O_CLOEXEC));
  }
  // The mapped root of a user namespace may not get up there; its mounts receive from the host only.
  return errno == EACCES ? kOk : fail("mount_setattr");
}

bool starts_with(const char* text, const char* prefix) noexcept {
  return strncmp(text, prefix, strlen(prefix)) == 0;
}

}  // namespace

// Propagation of the whole tree before anything is mounted: nothing may travel back to the host.
Failure run(const Propagation& s, Context& context) noexcept {
  sys::MountAttributes attributes;
  attributes.propagation = s.flags;
  const unsigned recursive = s.recursive ? AT_RECURSIVE : 0;
  if (sys::mount_setattr(AT_FDCWD, s.target.data, recursive, attributes) < 0)
    return fail("mount_setattr", s.target.data);
  if ((s.flags & MS_SHARED) || !s.recursive) context.shared_propagation = true;
  return kOk;
}

// The rootfs becomes a mount of its own, attached where it was, so that hooks find it at its path.
Failure run(const Rootfs& s, Context& context) noexcept {
  Fd dir{sys::openat2(AT_FDCWD, s.path.data, O_PATH | O_DIRECTORY,
                      RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS)};
  // The root of a user namespace may not get there on its own.
  if (!dir && errno == EACCES && s.parent_source != 0) {
    if (Failure failure = ask_parent(context, s.parent_source, dir)) return failure;
  }
  if (!dir) return fail("openat2", s.path.data);
  if (!s.attach) {
    context.root = static_cast<Fd&&>(dir);
    return kOk;
  }
  Fd tree{sys::open_tree(dir.get(), "", AT_EMPTY_PATH | OPEN_TREE_CLONE | AT_RECURSIVE)};
  if (!tree) return fail("open_tree", s.path.data);
  if (context.shared_propagation) {
    // What the container mounts in its root stays there (config-linux.md: a new peer group), what the
    // host mounts there arrives.
    sys::MountAttributes attributes;
    attributes.propagation = MS_SLAVE;
    if (sys::mount_setattr(tree.get(), "", AT_EMPTY_PATH | AT_RECURSIVE, attributes) < 0)
      return fail("mount_setattr", s.path.data);
    // And the mount below must not be shared for pivot_root(2).
    if (Failure failure = make_mount_private(dir.get())) return failure;
  }
  if (s.alone) {
    sys::MountAttributes attributes;
    attributes.propagation = MS_PRIVATE;
    if (sys::mount_setattr(tree.get(), "", AT_EMPTY_PATH, attributes) < 0)
      return fail("mount_setattr", s.path.data);
  }
  if (sys::move_mount(tree.get(), "", dir.get(), "",
                      MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
    return fail("move_mount", s.path.data);
  context.root = static_cast<Fd&&>(tree);
  return kOk;
}

namespace {

constexpr int kDetach = 2;  // MNT_DETACH of umount2(2)

// Which mount and which directory of it `path` is; statx(2), STATX_MNT_ID since Linux 5.8.
struct Directory {
  uint64_t mount = 0;
  uint64_t inode = 0;
  bool operator==(const Directory&) const noexcept = default;
};

bool identify(int dir, const char* path, Directory& directory) noexcept {
  constexpr unsigned kInode = 0x100, kMountId = 0x1000;  // STATX_INO, STATX_MNT_ID
  uint64_t info[32] = {};                                // struct statx: 256 bytes
  if (::syscall(SYS_statx, dir, path, AT_EMPTY_PATH, kInode | kMountId, info) < 0) return false;
  directory = {info[18], info[4]};  // stx_mnt_id, stx_ino
  return true;
}

// What is mounted on the root directory is out of sight of `/`, but `/..` leads there: to the host's
// root, where that is left.
Failure prove_root(const Context& context) noexcept {
  Directory root, own, above;
  if (!identify(context.root.get(), "", root) || !identify(AT_FDCWD, "/", own) ||
      !identify(AT_FDCWD, "/..", above))
    return fail("statx", "/..");
  if (own == root && above == root) return kOk;
  return refuse(EXDEV, "statx", "/..", "another mount than the container's root is left in reach");
}

// One umount2(2) takes the mount on top; the host's root may be a stack of them (mount --bind / /).
Failure detach_above(const Context& context) noexcept {
  for (int mounts = 0; mounts < 100000; mounts++) {
    Directory root, above;
    Fd top{::openat(context.root.get(), "..", O_PATH | O_DIRECTORY | O_CLOEXEC)};
    if (!top || !identify(top.get(), "", above) || !identify(context.root.get(), "", root))
      return fail("statx", "/..");
    if (above == root) break;
    if (::fchdir(top.get()) < 0) return fail("fchdir");
    if (::syscall(SYS_umount2, ".", kDetach) < 0) return fail("umount2", "/");
  }
  return kOk;
}

}  // namespace

// pivot_root(".", ".") stacks the old root on the new one, so no directory for it is needed.
Failure run(const PivotRoot&, Context& context) noexcept {
  Fd old{::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC)};
  if (!old) return fail("open", "/");
  if (::fchdir(context.root.get()) < 0) return fail("fchdir");
  if (sys::pivot_root(".", ".") < 0) return fail("pivot_root");
  if (::fchdir(old.get()) < 0) return fail("fchdir");
  if (context.shared_propagation) {
    sys::MountAttributes attributes;
    attributes.propagation = MS_SLAVE;  // or the host would see its mounts vanish
    if (sys::mount_setattr(old.get(), "", AT_EMPTY_PATH | AT_RECURSIVE, attributes) < 0)
      return fail("mount_setattr", "/");
  }
  if (::syscall(SYS_umount2, ".", kDetach) < 0) return fail("umount2", "/");
  if (Failure failure = detach_above(context)) return failure;
  return ::chdir("/") < 0 ? fail("chdir", "/") : prove_root(context);
}

namespace {

// Blanks, tabs, newlines and backslashes of a path are three octal digits in mountinfo.
void decode_path(char* path) noexcept {
  const auto digit = [](char c) { return c >= '0' && c <= '7'; };
  char* out = path;
  for (const char* at = path; *at != 0; out++) {
    if (at[0] == '\\' && digit(at[1]) && digit(at[2]) && digit(at[3])) {
      *out = static_cast<char>((at[1] - '0') * 64 + (at[2] - '0') * 8 + (at[3] - '0'));
      at += 4;
    } else {
      *out = *at++;
    }
  }
  *out = 0;
}

bool lies_in(const char* path, const char* directory) noexcept {
  const size_t size = strlen(directory);
  return strncmp(path, directory, size) == 0 && (path[size] == 0 || path[size] == '/');
}

// A host's whole proc or sysfs left in the namespace would let a user namespace in the container mount
// one that shows what the container's own hides; runc's --no-pivot takes them away too. Lines: id
// parent major:minor root mountpoint options … - type. `own`: the root of the container stays.
Failure hide_kernel_mount(char* line, const char* own) noexcept {
  char* fields[5] = {};
  char* at = line;
  for (int i = 0; i < 5; i++) {
    fields[i] = at;
    at = strchr(at, ' ');
    if (at == nullptr) return kOk;
    *at++ = 0;
  }
  const char* type = strstr(at, " - ");
  if (type == nullptr || strcmp(fields[3], "/") != 0) return kOk;
  if (!starts_with(type + 3, "proc ") && !starts_with(type + 3, "sysfs ")) return kOk;
  decode_path(fields[4]);
  if (lies_in(fields[4], own)) return kOk;
  if (::syscall(SYS_umount2, fields[4], kDetach) == 0 || errno == EINVAL || errno == ENOENT)
    return kOk;
  return fail("umount2", fields[4]);
}

}  // namespace

// --no-pivot, for a root on a ramfs: the new root is moved over the old one.
Failure run(const MoveRoot&, Context& context) noexcept {
  static char mounts[256 * 1024];
  const int proc = private_proc(context);
  Fd info{::openat(proc, "self/mountinfo", O_RDONLY | O_CLOEXEC)};
  if (!info) return fail("openat", "/proc/self/mountinfo");
  size_t size = 0;
  for (ssize_t got; (got = ::read(info.get(), mounts + size, sizeof mounts - 1 - size)) > 0;)
    size += static_cast<size_t>(got);
  if (size == sizeof mounts - 1) return refuse(E2BIG, "read", "/proc/self/mountinfo", "");
  if (::fchdir(context.root.get()) < 0) return fail("fchdir");
  char own[4096];
  if (::syscall(SYS_getcwd, own, sizeof own) < 0) return fail("getcwd");
  for (char *line = mounts, *end; (end = strchr(line, '\n')) != nullptr; line = end + 1) {
    *end = 0;
    if (Failure failure = hide_kernel_mount(line, own)) return failure;
  }
  if (sys::move_mount(context.root.get(), "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) < 0)
    return fail("move_mount", "/");
  if (::chroot(".") < 0) return fail("chroot", ".");
  return ::chdir("/") < 0 ? fail("chdir", "/") : prove_root(context);
}

// For `exec`: the root of the container that is already there.
Failure run(const EnterRoot& s, Context& context) noexcept {
  context.root.reset(sys::openat2(AT_FDCWD, s.path.data, O_PATH | O_DIRECTORY,
                                  RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS));
  return context.root ? kOk : fail("openat2", s.path.data);
}

Failure run(const Chroot&, Context& context) noexcept {
  if (::fchdir(context.root.get()) < 0) return fail("fchdir");
  if (::chroot(".") < 0) return fail("chroot", ".");
  return ::chdir("/") < 0 ? fail("chdir", "/") : prove_root(context);
}

Failure run(const MountAttributes& s, Context& context) noexcept {
  Fd target = open_in_root(context, s.destination.data);
  if (!target) return fail("openat2", s.destination.data);
  sys::MountAttributes attributes;
  attributes.set = s.attr_set;
  attributes.clear = s.attr_clear;
  const unsigned flags = AT_EMPTY_PATH | (s.recursive ? AT_RECURSIVE : 0);
  if (sys::mount_setattr(target.get(), "", flags, attributes) < 0)
    return fail("mount_setattr", s.destination.data);
  return kOk;
}

}  // namespace tsrun::step
