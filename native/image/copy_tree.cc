// Copies a tree, one directory after the other, each found anew from the top: no depth needs more descriptors.
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "addon/failure.h"
#include "image/tree.h"
#include "sys/directory.h"
#include "sys/fd.h"
#include "sys/syscall.h"

// include/uapi/linux/fs.h
#ifndef FICLONE
#define FICLONE _IOW(0x94, 9, int)
#endif

namespace tsrun {
namespace {

constexpr uint64_t kStrict = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV;

std::string below(const std::string& directory, const char* name) {
  return directory == "." ? name : directory + "/" + name;
}

class Copy {
 public:
  Copy(int from, int to) : from_(from), to_(to) {}

  void run() {
    directories_.emplace_back(".");
    while (!directories_.empty()) {
      const std::string path = std::move(directories_.back());
      directories_.pop_back();
      copy_directory(path);
    }
  }

 private:
  void copy_directory(const std::string& path) {
    const Fd source{sys::openat2(from_, path.c_str(), O_RDONLY | O_DIRECTORY, kStrict)};
    const Fd target{sys::openat2(to_, path.c_str(), O_RDONLY | O_DIRECTORY, kStrict)};
    if (!source || !target) throw_errno("open", path);
    Directory names{fdopendir(fcntl(source.get(), F_DUPFD_CLOEXEC, 0))};
    if (!names) throw_errno("opendir", path);
    while (const dirent* entry = names.next())
      copy_entry(source.get(), target.get(), path, entry->d_name);
    if (errno != 0) throw_errno("readdir", path);
    struct stat info;
    if (fstat(source.get(), &info) < 0) throw_errno("fstat", path);
    copy_metadata(source.get(), target.get(), info, path);
  }

  void copy_entry(int source, int target, const std::string& directory, const char* name) {
    const std::string path = below(directory, name);
    struct stat info;
    if (fstatat(source, name, &info, AT_SYMLINK_NOFOLLOW) < 0) throw_errno("fstat", path);
    if (S_ISDIR(info.st_mode)) {
      if (mkdirat(target, name, 0700) < 0) throw_errno("mkdir", path);
      directories_.push_back(path);
      return;
    }
    if (info.st_nlink > 1) {
      const auto [known, is_new] = linked_.try_emplace({info.st_dev, info.st_ino}, path);
      if (!is_new) {
        if (linkat(to_, known->second.c_str(), target, name, 0) < 0) throw_errno("link", path);
        return;
      }
    }
    if (S_ISREG(info.st_mode)) {
      copy_file(source, target, name, info, path);
    } else if (S_ISLNK(info.st_mode)) {
      copy_link(source, target, name, info, path);
    } else {
      if (mknodat(target, name, info.st_mode, info.st_rdev) < 0) throw_errno("mknod", path);
      place_metadata(target, name, info, path);
    }
  }

  void copy_link(int source, int target, const char* name, const struct stat& info,
                 const std::string& path) {
    std::string text(static_cast<size_t>(info.st_size) + 1, '\0');
    const ssize_t length = readlinkat(source, name, text.data(), text.size());
    if (length < 0) throw_errno("readlink", path);
    text.resize(static_cast<size_t>(length));
    if (symlinkat(text.c_str(), target, name) < 0) throw_errno("symlink", path);
    place_metadata(target, name, info, path);
  }

  // Of what is opened by nobody: links, devices, pipes.
  static void place_metadata(int target, const char* name, const struct stat& info,
                             const std::string& path) {
    if (fchownat(target, name, info.st_uid, info.st_gid, AT_SYMLINK_NOFOLLOW) < 0)
      throw_errno("chown", path);
    if (!S_ISLNK(info.st_mode) && fchmodat(target, name, info.st_mode & 07777, 0) < 0)
      throw_errno("chmod", path);
    const timespec times[] = {info.st_atim, info.st_mtim};
    if (utimensat(target, name, times, AT_SYMLINK_NOFOLLOW) < 0) throw_errno("utimensat", path);
  }

  static void copy_file(int source, int target, const char* name, const struct stat& info,
                        const std::string& path) {
    const Fd in{openat(source, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)};
    const Fd out{openat(target, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)};
    if (!in || !out) throw_errno("open", path);
    if (ioctl(out.get(), FICLONE, in.get()) < 0) copy_data(in.get(), out.get(), info.st_size, path);
    copy_metadata(in.get(), out.get(), info, path);
  }

  // Holes stay holes.
  static void copy_data(int in, int out, off_t size, const std::string& path) {
    for (off_t at = 0; at < size;) {
      off_t begin = lseek(in, at, SEEK_DATA);
      if (begin < 0 && errno == ENXIO) break;
      if (begin < 0) throw_errno("lseek", path);
      const off_t end = lseek(in, begin, SEEK_HOLE);
      if (end < 0) throw_errno("lseek", path);
      off_t to = begin;
      while (begin < end) {
        const size_t rest = static_cast<size_t>(end - begin);
        ssize_t copied = copy_file_range(in, &begin, out, &to, rest, 0);
        // From one kind of file system to another.
        if (copied < 0 && errno == EXDEV) copied = copy_piece(in, &begin, out, &to, rest);
        if (copied < 0 && errno == EINTR) continue;
        if (copied < 0) throw_errno("copy_file_range", path);
        if (copied == 0) throw_failure("copy_file_range", EIO, path);
      }
      at = end;
    }
    if (ftruncate(out, size) < 0) throw_errno("ftruncate", path);
  }

  static ssize_t copy_piece(int in, off_t* begin, int out, off_t* to, size_t rest) {
    char piece[64 << 10];
    const ssize_t got = pread(in, piece, rest < sizeof piece ? rest : sizeof piece, *begin);
    const ssize_t put = got <= 0 ? got : pwrite(out, piece, static_cast<size_t>(got), *to);
    if (put > 0) *begin += put, *to += put;
    return put;
  }

  static void copy_metadata(int in, int out, const struct stat& info, const std::string& path) {
    if (fchown(out, info.st_uid, info.st_gid) < 0) throw_errno("chown", path);
    if (fchmod(out, info.st_mode & 07777) < 0) throw_errno("chmod", path);
    copy_attributes(in, out, path);
    const timespec times[] = {info.st_atim, info.st_mtim};
    if (futimens(out, times) < 0) throw_errno("utimensat", path);
  }

  static void copy_attributes(int in, int out, const std::string& path) {
    std::string names(65536, '\0'), value(65536, '\0');  // XATTR_LIST_MAX, XATTR_SIZE_MAX
    const ssize_t length = flistxattr(in, names.data(), names.size());
    if (length < 0 && errno != ENOTSUP) throw_errno("listxattr", path);
    for (ssize_t at = 0; at < length;
         at += static_cast<ssize_t>(strlen(&names[static_cast<size_t>(at)])) + 1) {
      const char* name = &names[static_cast<size_t>(at)];
      const ssize_t size = fgetxattr(in, name, value.data(), value.size());
      if (size < 0) throw_errno("getxattr", path);
      if (fsetxattr(out, name, value.data(), static_cast<size_t>(size), 0) < 0)
        throw_errno("setxattr", path);
    }
  }

  const int from_, to_;
  std::vector<std::string> directories_;
  std::map<std::pair<dev_t, ino_t>, std::string> linked_;
};

}  // namespace

void copy_tree(int from, int to) { Copy(from, to).run(); }

}  // namespace tsrun
