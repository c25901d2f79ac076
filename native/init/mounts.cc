// Steps that mount filesystems and bind trees into the rootfs, from descriptor to descriptor.
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include "init/context.h"
#include "init/copy_up.h"
#include "init/mount_tree.h"
#include "init/paths.h"
#include "plan_steps.h"
#include "sys/syscall.h"
#include "sys/text.h"

namespace tsrun {

namespace step {
namespace {

constexpr size_t kMaxConfigValue = 255;  // fsconfig(2) takes no longer value
constexpr uint32_t kPageSize = 4096;     // mount(2) takes no more data

bool is(Text text, const char* other) noexcept { return strcmp(text.data, other) == 0; }

// proc and sysfs must lie on a real directory: a link there is an attack (CVE-2019-19921, -28642).
Failure open_kernel_target(const Context& context, const char* path, Fd& fd) noexcept {
  fd = open_in_root_without_links(context, path, O_DIRECTORY);
  if (fd) return kOk;
  if (errno == ELOOP || errno == ENOTDIR)
    return fail("openat2", path, "must be mounted on an ordinary directory");
  if (errno != ENOENT) return fail("openat2", path);
  Fd parent;
  const char* name;
  if (Failure failure = open_parent(context, path, parent, name)) return failure;
  if (::mkdirat(parent.get(), name, 0755) < 0) return fail("mkdirat", path);
  fd = open_in_root_without_links(context, path, O_DIRECTORY);
  return fd ? kOk : fail("openat2", path);
}

Failure configure(int fs, Text option) noexcept {
  const char* equals = strchr(option.data, '=');
  if (equals == nullptr) {
    if (sys::fsconfig(fs, FSCONFIG_SET_FLAG, option.data, nullptr) < 0)
      return fail("fsconfig", option.data);
    return kOk;
  }
  char key[128];
  const size_t length = static_cast<size_t>(equals - option.data);
  if (length >= sizeof key) return refuse(EINVAL, "fsconfig", option.data, "name too long");
  memcpy(key, option.data, length);
  key[length] = 0;
  if (sys::fsconfig(fs, FSCONFIG_SET_STRING, key, equals + 1) < 0)
    return fail("fsconfig", option.data);
  return kOk;
}

// A tmpfs over an existing directory keeps that directory's mode, as engines rely on for /tmp.
Failure keep_mode(const MountFilesystem& s, int fs, int target) noexcept {
  bool given = false;
  (void)s.options.for_each([&](Text option) -> Failure {
    given |= strncmp(option.data, "mode=", 5) == 0;
    return kOk;
  });
  struct stat info;
  if (given || ::fstat(target, &info) < 0) return kOk;
  char mode[8] = "0000";
  for (unsigned i = 0; i < 4; i++)
    mode[3 - i] = static_cast<char>('0' + ((info.st_mode >> (3 * i)) & 7));
  return sys::fsconfig(fs, FSCONFIG_SET_STRING, "mode", mode) < 0 ? fail("fsconfig", "mode") : kOk;
}

// The kernel's own words about a failed configuration, where it has any.
const char* kernel_message(int fs) noexcept {
  static char message[512];
  const ssize_t size = ::read(fs, message, sizeof message - 1);
  if (size <= 2) return "";
  message[size] = 0;
  return message + 2;  // behind "e ", "w " or "i "
}

Failure make_filesystem(const MountFilesystem& s, int target, bool created, Fd& mount) noexcept {
  Fd fs{sys::fsopen(s.type.data)};
  if (!fs) return fail("fsopen", s.type.data);
  if (!s.source.empty() &&
      sys::fsconfig(fs.get(), FSCONFIG_SET_STRING, "source", s.source.data) < 0)
    return fail("fsconfig", s.source.data);
  if (Failure failure = s.options.for_each([&](Text o) { return configure(fs.get(), o); })) {
    failure.detail = kernel_message(fs.get());
    return failure;
  }
  if (!s.label.empty())
    if (Failure failure = configure(fs.get(), s.label)) return failure;
  if (is(s.type, "tmpfs") && !created)
    if (Failure failure = keep_mode(s, fs.get(), target)) return failure;
  if (sys::fsconfig(fs.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr) < 0) {
    const int error = errno;
    return refuse(error, "fsconfig", s.destination.data, kernel_message(fs.get()));
  }
  mount.reset(sys::fsmount(fs.get(), static_cast<unsigned>(s.attr_set)));
  return mount ? kOk : fail("fsmount", s.destination.data);
}

// In quotes, since a label may hold the commas that separate options. False: no room.
bool append_label(Text label, char* data, size_t capacity) noexcept {
  const char* equals = strchr(label.data, '=');
  if (equals == nullptr || strlen(data) + label.size + 4 > capacity) return false;
  if (data[0] != 0) append_text(data, capacity, ",");
  const size_t name = static_cast<size_t>(equals - label.data) + 1;
  const size_t begin = strlen(data);
  memcpy(data + begin, label.data, name);
  data[begin + name] = 0;
  append_text(data, capacity, "\"");
  append_text(data, capacity, label.data + name);
  append_text(data, capacity, "\"");
  return true;
}

// mount(2), for options that the new interface cannot carry. The target is named by its descriptor
// in the runtime's own procfs, so no path of the container is followed.
Failure mount_legacy(const MountFilesystem& s, Context& context, int target, Fd& mount) noexcept {
  static char data[kPageSize];
  size_t size = 0;
  Failure failure = s.options.for_each([&](Text option) -> Failure {
    if (size + option.size + 2 > sizeof data) return refuse(E2BIG, "mount", option.data, "");
    if (size > 0) data[size++] = ',';
    memcpy(data + size, option.data, option.size);
    size += option.size;
    return kOk;
  });
  if (failure) return failure;
  data[size] = 0;
  if (!s.label.empty() && !append_label(s.label, data, sizeof data))
    return refuse(E2BIG, "mount", s.label.data, "");
  char name[32] = "self/fd/";
  append_number(name, sizeof name, static_cast<uint32_t>(target));
  Fd cwd{::open(".", O_PATH | O_DIRECTORY | O_CLOEXEC)};
  if (!cwd || ::fchdir(private_proc(context)) < 0) return fail("fchdir");
  const long result = ::syscall(SYS_mount, s.source.data, name, s.type.data, s.legacy_flags, data);
  if (result < 0) failure = fail("mount", s.destination.data);
  if (::fchdir(cwd.get()) < 0) return fail("fchdir");
  if (failure) return failure;
  mount = open_in_root(context, s.destination.data);
  if (!mount) return fail("openat2", s.destination.data);
  sys::MountAttributes attributes;
  attributes.set = s.attr_set;
  attributes.clear = s.attr_clear;
  if (sys::mount_setattr(mount.get(), "", AT_EMPTY_PATH, attributes) < 0)
    return fail("mount_setattr", s.destination.data);
  return kOk;
}

bool needs_legacy(const MountFilesystem& s) noexcept {
  bool needs = s.legacy_flags != 0 || s.label.size > kMaxConfigValue;
  (void)s.options.for_each([&](Text option) -> Failure {
    const char* equals = strchr(option.data, '=');
    needs |= equals != nullptr && strlen(equals + 1) > kMaxConfigValue;
    return kOk;
  });
  return needs;
}

// `mounts add` takes back what it could not finish; at `create` the whole namespace goes.
Failure attach_to(Context& context, Fd& mount, int target, const Attach& attach) noexcept {
  if (Failure failure = attach_mount(mount.get(), target, attach)) {
    if (context.proc) (void)detach_mount(context, mount.get(), attach.destination);
    return failure;
  }
  if (strcmp(attach.destination, "/") == 0) context.root = static_cast<Fd&&>(mount);
  return kOk;
}

}  // namespace

Failure run(const MountFilesystem& s, Context& context) noexcept {
  Fd target, mount;
  bool created = false;
  const bool kernel = is(s.type, "proc") || is(s.type, "sysfs");
  const char* destination = s.destination.data;
  if (Failure failure =
          kernel ? open_kernel_target(context, destination, target)
                 : ensure_in_root(context, destination, Leaf::directory, target, &created))
    return failure;
  if (Failure failure = check_target(context, target.get(), destination, is(s.type, "proc")))
    return failure;
  const Attach attach{destination, s.recursive_set, s.recursive_clear, s.propagation};
  if (needs_legacy(s)) {
    if (strcmp(destination, "/") == 0)
      return refuse(EINVAL, "mount", destination,
                    "the root cannot be had with silent, iversion or long values");
    if (s.id_mapped)
      return refuse(EINVAL, "mount", destination,
                    "idmap cannot be had with silent, iversion or long values");
    if (Failure failure = mount_legacy(s, context, target.get(), mount)) return failure;
    return finish_mount(mount.get(), attach);
  }
  if (Failure failure = make_filesystem(s, target.get(), created, mount)) return failure;
  if (s.id_mapped)
    if (Failure failure = ask_parent(context, s.parent_source, mount)) return failure;
  if (s.copy_up)
    if (Failure failure = copy_up(target.get(), mount.get(), destination)) return failure;
  return attach_to(context, mount, target.get(), attach);
}

namespace {

// With the rights of the runtime where init's own are not enough.
Failure open_source(const MountBind& s, Context& context, Fd& tree) noexcept {
  if (context.helper.given) {
    tree = static_cast<Fd&&>(context.helper.given);
    return kOk;
  }
  if (s.id_mapped) return ask_parent(context, s.parent_source, tree);
  tree.reset(sys::open_tree(AT_FDCWD, s.source.data, clone_flags(s.recursive, s.no_follow)));
  if (tree) return kOk;
  if (errno == EACCES && s.parent_source != 0) return ask_parent(context, s.parent_source, tree);
  return fail("open_tree", s.source.data, why_not_cloned(errno, s.recursive));
}

}  // namespace

Failure run(const MountBind& s, Context& context) noexcept {
  const char* destination = s.destination.data;
  Fd tree;
  if (Failure failure = open_source(s, context, tree)) return failure;
  struct stat info;
  if (::fstat(tree.get(), &info) < 0) return fail("fstat", s.source.data);
  if (s.copy_link && S_ISLNK(info.st_mode)) return copy_link(context, tree.get(), destination);
  Fd target;
  const Leaf leaf = S_ISDIR(info.st_mode) ? Leaf::directory : Leaf::file;
  if (Failure failure = s.cover_link ? ensure_link_in_root(context, destination, leaf, target)
                                     : ensure_in_root(context, destination, leaf, target))
    return failure;
  if (Failure failure =
          check_target(context, target.get(), destination, is_procfs_root(tree.get())))
    return failure;
  if (s.attr_set != 0 || s.attr_clear != 0) {
    sys::MountAttributes attributes;
    attributes.set = s.attr_set;
    attributes.clear = s.attr_clear;
    if (sys::mount_setattr(tree.get(), "", AT_EMPTY_PATH, attributes) < 0)
      return fail("mount_setattr", destination, errno == EPERM ? kLocked : "");
  }
  const Attach attach{destination, s.recursive_set, s.recursive_clear, s.propagation};
  return attach_to(context, tree, target.get(), attach);
}

namespace {

// statx(2): whether a mount begins here (STATX_ATTR_MOUNT_ROOT, since Linux 5.8).
bool is_mount_root(int fd) noexcept {
  constexpr uint64_t kMountRoot = 0x2000;
  uint64_t info[32] = {};  // struct statx: 256 bytes; stx_attributes is the second word
  return ::syscall(SYS_statx, fd, "", AT_EMPTY_PATH, 0, info) == 0 && (info[1] & kMountRoot) != 0;
}

}  // namespace

Failure run(const Unmount& s, Context& context) noexcept {
  const char* destination = s.destination.data;
  Fd mount{open_in_root(context, destination, s.cover_link ? O_NOFOLLOW : 0)};
  if (!mount) return fail("openat2", destination);
  struct stat root, own;
  if (::fstat(context.root.get(), &root) < 0 || ::fstat(mount.get(), &own) < 0)
    return fail("fstat", destination);
  if (root.st_ino == own.st_ino && root.st_dev == own.st_dev)
    return refuse(EBUSY, "umount2", destination, "this is the container's root");
  if (!is_mount_root(mount.get()))
    return refuse(EINVAL, "umount2", destination, "nothing is mounted there");
  return s.look ? kOk : detach_mount(context, mount.get(), destination);
}

}  // namespace step
}  // namespace tsrun
