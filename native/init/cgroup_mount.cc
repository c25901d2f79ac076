// The step that shows the container its own cgroups.
#include <sys/stat.h>

#include "init/context.h"
#include "init/mount_tree.h"
#include "init/paths.h"
#include "plan_steps.h"
#include "sys/syscall.h"

namespace tsrun::step {
namespace {

// A copy of the host's directory, with the attributes of the mount.
Failure clone_directory(const MountCgroup& s, const char* path, Fd& tree) noexcept {
  tree.reset(sys::open_tree(AT_FDCWD, path, OPEN_TREE_CLONE));
  if (!tree) return fail("open_tree", path);
  sys::MountAttributes attributes;
  attributes.set = s.attr_set;
  attributes.clear = s.attr_clear;
  if (sys::mount_setattr(tree.get(), "", AT_EMPTY_PATH, attributes) < 0)
    return fail("mount_setattr", path);
  return kOk;
}

// A new cgroup2 mount shows the namespace's root. Where it is refused (EPERM in a user namespace,
// EBUSY beside v1 controllers) the container's own directory is bound instead.
Failure mount_unified(const MountCgroup& s, Fd& mount) noexcept {
  // Outside of a namespace a new mount would give its options, or none, to the hierarchy of the whole host
  // (cgroup_get_tree, kernel/cgroup/cgroup.c).
  if (!s.own_namespace && !s.unified.empty()) return clone_directory(s, s.unified.data, mount);
  Fd fs{sys::fsopen("cgroup2")};
  if (fs && sys::fsconfig(fs.get(), FSCONFIG_SET_STRING, "source", "cgroup") == 0 &&
      sys::fsconfig(fs.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr) == 0) {
    mount.reset(sys::fsmount(fs.get(), static_cast<unsigned>(s.attr_set)));
    if (mount) return kOk;
  }
  if (errno != EPERM && errno != EBUSY) return fail("fsopen", "cgroup2");
  if (s.unified.empty()) return hostile_plan();
  return clone_directory(s, s.unified.data, mount);
}

Failure mount_controllers(const MountCgroup& s, int top) noexcept {
  TextList names = s.names;
  return s.paths.for_each([&](Text path) -> Failure {
    const Text name = names.take_first();
    if (::mkdirat(top, name.data, 0755) < 0 && errno != EEXIST) return fail("mkdirat", name.data);
    Fd target{::openat(top, name.data, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
    if (!target) return fail("openat", name.data);
    Fd tree;
    if (Failure bad = clone_directory(s, path.data, tree)) return bad;
    return attach_mount(tree.get(), target.get(), Attach{name.data, 0, 0, s.propagation});
  });
}

// `cpu=cpu,cpuacct`: a link for each controller of a joined hierarchy.
Failure make_links(const MountCgroup& s, int top) noexcept {
  return s.links.for_each([&](Text link) -> Failure {
    char name[128];
    uint32_t length = 0;
    while (length < link.size && link.data[length] != '=' && length + 1 < sizeof name) {
      name[length] = link.data[length];
      length++;
    }
    name[length] = 0;
    if (length >= link.size) return hostile_plan();
    if (::symlinkat(link.data + length + 1, top, name) < 0 && errno != EEXIST)
      return fail("symlinkat", name);
    return kOk;
  });
}

Failure mount_hierarchies(const MountCgroup& s, int target) noexcept {
  Fd fs{sys::fsopen("tmpfs")};
  if (!fs) return fail("fsopen", "tmpfs");
  if (sys::fsconfig(fs.get(), FSCONFIG_SET_STRING, "source", "tmpfs") < 0 ||
      sys::fsconfig(fs.get(), FSCONFIG_SET_STRING, "mode", "755") < 0 ||
      sys::fsconfig(fs.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr) < 0)
    return fail("fsconfig", "tmpfs");
  const unsigned writable = static_cast<unsigned>(s.attr_set & ~uint64_t{MOUNT_ATTR_RDONLY});
  Fd top{sys::fsmount(fs.get(), writable)};
  if (!top) return fail("fsmount", "tmpfs");
  const char* destination = s.destination.data;
  if (Failure failure = attach_mount(top.get(), target, Attach{destination, 0, 0, s.propagation}))
    return failure;
  if (Failure failure = mount_controllers(s, top.get())) return failure;
  if (Failure failure = make_links(s, top.get())) return failure;
  if ((s.attr_set & MOUNT_ATTR_RDONLY) == 0) return kOk;
  sys::MountAttributes attributes;
  attributes.set = MOUNT_ATTR_RDONLY;
  if (sys::mount_setattr(top.get(), "", AT_EMPTY_PATH, attributes) < 0)
    return fail("mount_setattr", destination);
  return kOk;
}

}  // namespace

Failure run(const MountCgroup& s, Context& context) noexcept {
  const char* destination = s.destination.data;
  Fd target;
  if (Failure failure = ensure_in_root(context, destination, Leaf::directory, target))
    return failure;
  if (Failure failure = check_target(context, target.get(), destination, false)) return failure;
  if (s.version == 1) return mount_hierarchies(s, target.get());
  Fd mount;
  if (Failure failure = mount_unified(s, mount)) return failure;
  return attach_mount(mount.get(), target.get(), Attach{destination, 0, 0, s.propagation});
}

}  // namespace tsrun::step
