// tmpcopyup: what the image has at a tmpfs's mount point is copied into it.
#include "init/copy_up.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sys/fd.h"

namespace tsrun {
namespace {

constexpr int kMaxDepth = 256;

struct KernelEntry {  // struct linux_dirent64, getdents64(2)
  uint64_t inode;
  int64_t offset;
  unsigned short length;
  unsigned char type;
  char name[];
};

Failure copy_directory(int from, int to, const char* path, int depth) noexcept;

Failure copy_contents(int from, const char* name, int to, const struct stat& info) noexcept {
  // In a shared volume the file may have become a fifo meanwhile, whose open would wait for a writer.
  Fd in{::openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
  if (!in) return fail("openat", name);
  Fd out{::openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)};
  if (!out) return fail("openat", name);
  for (off_t left = info.st_size; left > 0;) {
    const ssize_t sent = ::sendfile(out.get(), in.get(), nullptr, static_cast<size_t>(left));
    if (sent < 0) return fail("sendfile", name);
    if (sent == 0) break;  // it has shrunk meanwhile
    left -= sent;
  }
  return kOk;
}

Failure copy_link(int from, const char* name, int to) noexcept {
  char target[PATH_MAX];
  const ssize_t length = ::readlinkat(from, name, target, sizeof target - 1);
  if (length < 0) return fail("readlinkat", name);
  target[length] = 0;
  return ::symlinkat(target, to, name) < 0 ? fail("symlinkat", name) : kOk;
}

Failure copy_child_directory(int from, const char* name, int to, int depth) noexcept {
  if (::mkdirat(to, name, 0700) < 0) return fail("mkdirat", name);
  Fd in{::openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  Fd out{::openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  if (!in || !out) return fail("openat", name);
  return copy_directory(in.get(), out.get(), name, depth + 1);
}

Failure copy_entry(int from, const char* name, int to, int depth) noexcept {
  struct stat info;
  if (::fstatat(from, name, &info, AT_SYMLINK_NOFOLLOW) < 0) return fail("fstatat", name);
  Failure failure;
  if (S_ISREG(info.st_mode))
    failure = copy_contents(from, name, to, info);
  else if (S_ISDIR(info.st_mode))
    failure = copy_child_directory(from, name, to, depth);
  else if (S_ISLNK(info.st_mode))
    failure = copy_link(from, name, to);
  else if (::mknodat(to, name, info.st_mode, info.st_rdev) < 0)
    failure = fail("mknodat", name);
  if (failure) return failure;
  if (::fchownat(to, name, info.st_uid, info.st_gid, AT_SYMLINK_NOFOLLOW) < 0)
    return fail("fchownat", name);
  if (!S_ISLNK(info.st_mode) && ::fchmodat(to, name, info.st_mode & 07777, 0) < 0)
    return fail("fchmodat", name);
  const timespec times[2] = {info.st_atim, info.st_mtim};
  return ::utimensat(to, name, times, AT_SYMLINK_NOFOLLOW) < 0 ? fail("utimensat", name) : kOk;
}

Failure copy_directory(int from, int to, const char* path, int depth) noexcept {
  if (depth > kMaxDepth) return refuse(ELOOP, "tmpcopyup", path, "directories nested too deep");
  alignas(8) char buffer[4096];
  for (;;) {
    const long size = ::syscall(SYS_getdents64, from, buffer, sizeof buffer);
    if (size < 0) return fail("getdents64", path);
    if (size == 0) return kOk;
    for (long at = 0; at < size;) {
      const auto* entry = reinterpret_cast<const KernelEntry*>(buffer + at);
      at += entry->length;
      if (strcmp(entry->name, ".") == 0 || strcmp(entry->name, "..") == 0) continue;
      if (Failure failure = copy_entry(from, entry->name, to, depth)) return failure;
    }
  }
}

}  // namespace

Failure copy_up(int from, int to, const char* destination) noexcept {
  Fd in{::openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  Fd out{::openat(to, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!in || !out) return fail("openat", destination);
  return copy_directory(in.get(), out.get(), destination, 0);
}

}  // namespace tsrun
