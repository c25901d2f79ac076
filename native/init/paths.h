// Looking up and making paths inside the rootfs: directory fds only, never a joined host path.
#pragma once
#include "init/context.h"
#include "init/failure.h"
#include "sys/fd.h"

namespace tsrun {

enum class Leaf { directory, file };

// Opens `path` (absolute or relative to the container's root) with O_PATH, following symbolic links
// as the container would. `flags` may add O_NOFOLLOW, O_DIRECTORY.
Fd open_in_root(const Context& context, const char* path, int flags = 0) noexcept;

// The same with no symbolic link anywhere on the way (proc, sysfs, device files).
Fd open_in_root_without_links(const Context& context, const char* path, int flags) noexcept;

// Opens `path`, creating missing directories (0755) and the leaf; dangling links are completed
// inside the root. `created` tells whether the leaf is new.
Failure ensure_in_root(const Context& context, const char* path, Leaf leaf, Fd& fd,
                       bool* created = nullptr) noexcept;

// The same, but a symbolic link that the path ends with is opened itself.
Failure ensure_link_in_root(const Context& context, const char* path, Leaf leaf, Fd& fd) noexcept;

// Makes a link like `source`, a symbolic link, at `path`; one that is there already must be the same.
Failure copy_link(const Context& context, int source, const char* path) noexcept;

// Splits off the last component: `dir` is opened (and created), `name` points into `path`.
Failure open_parent(const Context& context, const char* path, Fd& dir, const char*& name) noexcept;

// A device node of the container that is really the one it claims to be.
Failure open_verified_device(const Context& context, const char* path, unsigned major,
                             unsigned minor, Fd& fd) noexcept;

}  // namespace tsrun
