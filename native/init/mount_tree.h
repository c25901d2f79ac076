// What the mounting steps have in common: attach a detached mount, then set what needs it attached.
#pragma once
#include "init/context.h"
#include "init/failure.h"
#include "init/reader.h"

namespace tsrun {

// mount_namespaces(7) "Restrictions on mount namespaces": for mounts of a more privileged one.
inline constexpr const char* kLocked =
    "in a user namespace the options ro, nosuid, nodev, noexec and those of access times that the "
    "source's mount has cannot be taken back or changed";

struct Attach {
  const char* destination;
  uint64_t recursive_set = 0;
  uint64_t recursive_clear = 0;
  NumberList propagation = {};
};

// Refuses a target that must not be mounted on: the root itself, the container's /proc unless what
// is mounted `is_procfs`, or something in procfs that is not below /proc by name (a link led there).
Failure check_target(const Context& context, int target, const char* destination,
                     bool is_procfs) noexcept;

// Flags of open_tree(2) for a copy of what is mounted.
unsigned clone_flags(bool recursive, bool no_follow) noexcept;

// More than errno says of an open_tree(2) that was to clone.
const char* why_not_cloned(int error, bool recursive) noexcept;

// Applies recursive attributes and propagation to an attached mount.
Failure finish_mount(int mount, const Attach& attach) noexcept;

// Unmounts by descriptor, whatever lies on the way to it; what is still in use goes when that ends.
Failure detach_mount(Context& context, int mount, const char* destination) noexcept;

// Moves the detached `mount` onto `target`, then `finish_mount`.
Failure attach_mount(int mount, int target, const Attach& attach) noexcept;

}  // namespace tsrun
