// Looking up and making paths inside the rootfs.
#include "init/paths.h"

#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "sys/syscall.h"

namespace tsrun {
namespace {

constexpr int kMaxLinks = 40;  // as in the kernel's own path walk

// A walk over a path in which `done` holds no symbolic links and `rest` is still to be looked at.
struct Walk {
  const Context& context;
  Fd current;
  // Not zeroed: each page of the stack counts within a small memory limit.
  char done[PATH_MAX];
  char rest[PATH_MAX];
  int links = 0;
  explicit Walk(const Context& c) noexcept : context(c) { done[0] = rest[0] = 0; }
};

Failure too_long(const char* path) noexcept {
  return refuse(ENAMETOOLONG, "openat2", path, "path too long");
}

bool copy_text(char (&to)[PATH_MAX], const char* from) noexcept {
  const size_t length = strlen(from);
  if (length >= PATH_MAX) return false;
  memmove(to, from, length + 1);
  return true;
}

// A component, or the beginning of one that is longer than any file's name.
using Name = char[NAME_MAX + 2];

// Takes the next component of `rest` into `name`; false at the end.
bool next_component(Walk& walk, Name& name, bool& last) noexcept {
  const char* at = walk.rest;
  while (*at == '/') at++;
  size_t length = strcspn(at, "/");
  if (length == 0) return false;
  const size_t whole = length;
  if (length > NAME_MAX + 1) length = NAME_MAX + 1;  // mkdirat and openat then answer for it
  memcpy(name, at, length);
  name[length] = 0;
  at += whole;
  while (*at == '/') at++;
  last = *at == 0;
  memmove(walk.rest, at, strlen(at) + 1);
  return true;
}

bool reopen_done(Walk& walk) noexcept {
  walk.current = open_in_root_without_links(walk.context, walk.done, O_DIRECTORY);
  return static_cast<bool>(walk.current);
}

bool go_up(Walk& walk) noexcept {
  char* slash = strrchr(walk.done, '/');
  if (slash != nullptr) *slash = 0;
  return reopen_done(walk);
}

// Puts a link's target in front of what is left of the path.
Failure follow(Walk& walk, int link, const char* path) noexcept {
  char target[PATH_MAX];
  const ssize_t length = ::readlinkat(link, "", target, sizeof target - 1);
  if (length < 0) return fail("readlinkat", path);
  target[length] = 0;
  if (++walk.links > kMaxLinks) return refuse(ELOOP, "openat2", path, "");
  const size_t rest = strlen(walk.rest);
  if (static_cast<size_t>(length) + 1 + rest >= PATH_MAX) return too_long(path);
  memmove(walk.rest + length + 1, walk.rest, rest + 1);
  memcpy(walk.rest, target, static_cast<size_t>(length));
  walk.rest[length] = '/';
  if (target[0] == '/') walk.done[0] = 0;
  return reopen_done(walk) ? kOk : fail("openat2", path);
}

Failure create_leaf(int dir, const char* name, bool directory, const char* path) noexcept {
  if (directory) {
    if (::mkdirat(dir, name, 0755) < 0 && errno != EEXIST) return fail("mkdirat", path);
    return kOk;
  }
  Fd file{::openat(dir, name, O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_RDONLY, 0644)};
  return !file && errno != EEXIST ? fail("openat", path) : kOk;
}

Failure descend(Walk& walk, const char* name, bool last, Leaf leaf, const char* path,
                bool* created) noexcept {
  const bool directory = !last || leaf == Leaf::directory;
  Fd next{::openat(walk.current.get(), name, O_PATH | O_NOFOLLOW | O_CLOEXEC)};
  if (!next && errno == ENOENT) {
    if (Failure failure = create_leaf(walk.current.get(), name, directory, path)) return failure;
    next.reset(::openat(walk.current.get(), name, O_PATH | O_NOFOLLOW | O_CLOEXEC));
    if (last && created != nullptr) *created = true;
  }
  if (!next) return fail("openat", path);
  struct stat info;
  if (::fstat(next.get(), &info) < 0) return fail("fstat", path);
  if (S_ISLNK(info.st_mode)) return follow(walk, next.get(), path);
  if (!last && !S_ISDIR(info.st_mode)) return refuse(ENOTDIR, "openat", path, "");
  const size_t length = strlen(walk.done);
  if (length + 1 + strlen(name) >= PATH_MAX) return too_long(path);
  walk.done[length] = '/';
  memcpy(walk.done + length + 1, name, strlen(name) + 1);
  walk.current = static_cast<Fd&&>(next);
  return kOk;
}

}  // namespace

Fd open_in_root(const Context& context, const char* path, int flags) noexcept {
  return Fd{sys::openat2(context.root.get(), *path == 0 ? "." : path,
                         static_cast<uint64_t>(O_PATH | flags),
                         RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS)};
}

Fd open_in_root_without_links(const Context& context, const char* path, int flags) noexcept {
  return Fd{sys::openat2(context.root.get(), *path == 0 ? "." : path,
                         static_cast<uint64_t>(O_PATH | flags),
                         RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS)};
}

Failure ensure_in_root(const Context& context, const char* path, Leaf leaf, Fd& fd,
                       bool* created) noexcept {
  if (created != nullptr) *created = false;
  fd = open_in_root(context, path);
  if (fd) return kOk;
  if (errno != ENOENT) return fail("openat2", path);
  Walk walk(context);
  if (!copy_text(walk.rest, path)) return too_long(path);
  if (!reopen_done(walk)) return fail("openat2", path);
  Name name;
  bool last = false;
  while (next_component(walk, name, last)) {
    if (strcmp(name, ".") == 0) continue;
    if (strcmp(name, "..") == 0) {
      if (!go_up(walk)) return fail("openat2", path);
      continue;
    }
    if (Failure failure = descend(walk, name, last, leaf, path, created)) return failure;
  }
  fd = static_cast<Fd&&>(walk.current);
  return kOk;
}

Failure open_parent(const Context& context, const char* path, Fd& dir, const char*& name) noexcept {
  const char* slash = strrchr(path, '/');
  name = slash == nullptr ? path : slash + 1;
  if (*name == 0) return refuse(EINVAL, "openat2", path, "the path ends with a slash");
  char parent[PATH_MAX];
  const size_t length = slash == nullptr ? 0 : static_cast<size_t>(slash - path);
  if (length >= sizeof parent) return too_long(path);
  memcpy(parent, path, length);
  parent[length] = 0;
  return ensure_in_root(context, parent, Leaf::directory, dir);
}

Failure ensure_link_in_root(const Context& context, const char* path, Leaf leaf, Fd& fd) noexcept {
  Fd dir;
  const char* name;
  if (Failure failure = open_parent(context, path, dir, name)) return failure;
  fd.reset(::openat(dir.get(), name, O_PATH | O_NOFOLLOW | O_CLOEXEC));
  if (fd || errno != ENOENT) return fd ? kOk : fail("openat", path);
  if (Failure failure = create_leaf(dir.get(), name, leaf == Leaf::directory, path)) return failure;
  fd.reset(::openat(dir.get(), name, O_PATH | O_NOFOLLOW | O_CLOEXEC));
  return fd ? kOk : fail("openat", path);
}

Failure copy_link(const Context& context, int source, const char* path) noexcept {
  char wanted[PATH_MAX], there[PATH_MAX];
  const ssize_t length = ::readlinkat(source, "", wanted, sizeof wanted - 1);
  if (length < 0) return fail("readlinkat", path);
  wanted[length] = 0;
  Fd dir;
  const char* name;
  if (Failure failure = open_parent(context, path, dir, name)) return failure;
  if (::symlinkat(wanted, dir.get(), name) == 0) return kOk;
  if (errno != EEXIST) return fail("symlinkat", path);
  if (::readlinkat(dir.get(), name, there, sizeof there) == length &&
      memcmp(there, wanted, static_cast<size_t>(length)) == 0)
    return kOk;
  return refuse(EEXIST, "symlinkat", path, "something else than this link is there");
}

Failure open_verified_device(const Context& context, const char* path, unsigned major,
                             unsigned minor, Fd& fd) noexcept {
  fd = open_in_root(context, path, O_NOFOLLOW);
  if (!fd) return fail("openat2", path);
  struct stat info;
  if (::fstat(fd.get(), &info) < 0) return fail("fstat", path);
  if (!S_ISCHR(info.st_mode) || info.st_rdev != makedev(major, minor))
    return refuse(EINVAL, "fstat", path, "not the character device it should be");
  return kOk;
}

}  // namespace tsrun
