// Steps that hide or write-protect paths of the container.
#include <sys/stat.h>

#include "init/context.h"
#include "init/paths.h"
#include "plan_steps.h"
#include "sys/syscall.h"

namespace tsrun::step {
namespace {

constexpr unsigned kFdToFd = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH;

Failure attach_copy(int source, int target, const char* path) noexcept {
  Fd copy{sys::open_tree(source, "", AT_EMPTY_PATH | OPEN_TREE_CLONE)};
  if (!copy) return fail("open_tree", path);
  return sys::move_mount(copy.get(), "", target, "", kFdToFd) < 0 ? fail("move_mount", path) : kOk;
}

// One empty read-only tmpfs serves all masked directories: attached to the first, copied to the rest.
Failure mask_directory(Fd& empty, int target, const char* path) noexcept {
  if (empty) return attach_copy(empty.get(), target, path);
  Fd fs{sys::fsopen("tmpfs")};
  if (!fs) return fail("fsopen", "tmpfs");
  constexpr const char* kOptions[][2] = {
      {"source", "tmpfs"}, {"nr_blocks", "1"}, {"nr_inodes", "1"}};
  for (const auto& [key, value] : kOptions)
    if (sys::fsconfig(fs.get(), FSCONFIG_SET_STRING, key, value) < 0) return fail("fsconfig", key);
  if (sys::fsconfig(fs.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr) < 0)
    return fail("fsconfig", "tmpfs");
  empty.reset(sys::fsmount(
      fs.get(), MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC));
  if (!empty) return fail("fsmount", "tmpfs");
  return sys::move_mount(empty.get(), "", target, "", kFdToFd) < 0 ? fail("move_mount", path) : kOk;
}

}  // namespace

// Files are covered with the container's /dev/null, opened once and checked: what is mounted is the
// descriptor, so replacing the path gains nothing (CVE-2025-31133). Missing paths need no mask.
Failure run(const Mask& s, Context& context) noexcept {
  Fd null, empty;
  if (Failure failure = open_verified_device(context, "/dev/null", 1, 3, null)) return failure;
  return s.paths.for_each([&](Text path) -> Failure {
    Fd target = open_in_root(context, path.data);
    if (!target) return errno == ENOENT || errno == ENOTDIR ? kOk : fail("openat2", path.data);
    struct stat info;
    if (::fstat(target.get(), &info) < 0) return fail("fstat", path.data);
    return S_ISDIR(info.st_mode) ? mask_directory(empty, target.get(), path.data)
                                 : attach_copy(null.get(), target.get(), path.data);
  });
}

// The copy keeps the flags that are there already (nosuid, nodev, noexec) and what is mounted below.
Failure run(const ReadonlyPath& s, Context& context) noexcept {
  Fd target = open_in_root(context, s.path.data);
  if (!target) return errno == ENOENT || errno == ENOTDIR ? kOk : fail("openat2", s.path.data);
  Fd copy{sys::open_tree(target.get(), "", AT_EMPTY_PATH | OPEN_TREE_CLONE | AT_RECURSIVE)};
  if (!copy) return fail("open_tree", s.path.data);
  sys::MountAttributes attributes;
  attributes.set = MOUNT_ATTR_RDONLY;
  if (sys::mount_setattr(copy.get(), "", AT_EMPTY_PATH, attributes) < 0)
    return fail("mount_setattr", s.path.data);
  if (sys::move_mount(copy.get(), "", target.get(), "", kFdToFd) < 0)
    return fail("move_mount", s.path.data);
  return kOk;
}

}  // namespace tsrun::step
