// Files of the host: configuration, state, cgroups. Never used on a path below a rootfs.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <memory>
#include <string>

#include "addon/descriptors.h"
#include "addon/failure.h"
#include "addon_functions.h"
#include "sys/directory.h"
#include "sys/fd.h"
#include "sys/utf8.h"

namespace tsrun {
namespace {

bool write_all(int fd, const char* data, size_t size) {
  while (size > 0) {
    const ssize_t written = write(fd, data, size);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    data += written;
    size -= static_cast<size_t>(written);
  }
  return true;
}

}  // namespace

// What a link of /proc/PID holds: `pipe:[7]`, or a path no longer than PATH_MAX.
std::string read_link(const std::string& path) {
  char target[PATH_MAX];
  const ssize_t size = readlink(path.c_str(), target, sizeof target);
  if (size < 0) throw_errno("readlink", path);
  return {target, static_cast<size_t>(size)};
}

// Nothing, with errno, where it cannot be read, or is longer than the limit.
static std::optional<std::string> read_all(int fd, uint32_t limit) {
  std::string text;
  char block[16384];
  for (;;) {
    const ssize_t got = read(fd, block, sizeof block);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::nullopt;
    if (got == 0) return text;
    text.append(block, static_cast<size_t>(got));
    if (text.size() <= limit) continue;
    errno = EFBIG;
    return std::nullopt;
  }
}

std::string read_file(const std::string& path, uint32_t limit, bool strict) {
  const Fd fd{open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY)};
  if (!fd) throw_errno("open", path);
  std::optional<std::string> text = read_all(fd.get(), limit);
  if (!text) throw_errno("read", path);
  if (strict && well_formed_length(*text) != text->size()) throw_failure("read", EILSEQ, path);
  return std::move(*text);
}

// There is nothing, or nothing any more that it is about: a cgroup (ENODEV) or process (ESRCH) that has gone between open
// and read.
static bool is_gone() {
  return errno == ENOENT || errno == ENOTDIR || errno == ENODEV || errno == ESRCH;
}

std::optional<std::string> read_file_if_any(const std::string& path, uint32_t limit) {
  const Fd fd{open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY)};
  if (!fd && is_gone()) return std::nullopt;
  if (!fd) throw_errno("open", path);
  std::optional<std::string> text = read_all(fd.get(), limit);
  if (!text && !is_gone()) throw_errno("read", path);
  return text;
}

std::optional<std::string> read_regular_file(const std::string& path, uint32_t limit) {
  constexpr int kFlags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK;
  const Fd fd{open(path.c_str(), kFlags)};
  struct stat data;
  const bool is_open = fd && fstat(fd.get(), &data) == 0;
  if (!is_open && (errno == ENOENT || errno == ENOTDIR)) return std::nullopt;
  // A link, or a socket or device that nobody answers for.
  const bool is_other = is_open ? !S_ISREG(data.st_mode) : errno == ELOOP || errno == ENXIO;
  if (is_other) throw_failure("open", EINVAL, path);
  if (!is_open) throw_errno("open", path);
  std::optional<std::string> text = read_all(fd.get(), limit);
  if (!text) throw_errno("read", path);
  return text;
}

void write_file(const std::string& path, const std::string& text, int32_t flags, uint32_t mode) {
  Fd fd{open(path.c_str(), flags | O_CLOEXEC | O_NOCTTY, mode)};
  if (!fd) throw_errno("open", path);
  if (!write_all(fd.get(), text.data(), text.size())) throw_errno("write", path);
}

// Gives `beside` the name of `path`, whose old contents go. They change places first: ext4 writes the data of a file that
// is renamed over another to the disk at once, and to remove it then takes milliseconds. False with errno.
static bool take_place(const char* beside, const char* path) {
  if (renameat2(AT_FDCWD, beside, AT_FDCWD, path, RENAME_EXCHANGE) < 0)
    return rename(beside, path) == 0;  // nothing there yet, or not on this file system
  if (unlink(beside) == 0) return true;
  // A directory, which rename(2) does not replace either: it goes back to its place.
  const int error = errno;
  (void)renameat2(AT_FDCWD, beside, AT_FDCWD, path, RENAME_EXCHANGE);
  (void)unlink(beside);
  errno = error;
  return false;
}

// The old contents or the new ones, never a part: written beside and renamed.
void replace_file(const std::string& path, const std::string& text, uint32_t mode) {
  const size_t name = path.rfind('/') + 1;
  const std::string beside = path.substr(0, name) + "." + path.substr(name);
  (void)unlink(beside.c_str());
  Fd fd{open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode)};
  if (!fd) throw_errno("open", beside);
  if (write_all(fd.get(), text.data(), text.size()) && take_place(beside.c_str(), path.c_str()))
    return;
  const int error = errno;
  (void)unlink(beside.c_str());
  throw_failure("write", error, path);
}

void write_out(int32_t fd, const std::string& text) {
  if (!write_all(fd, text.data(), text.size())) throw_errno("write", "standard output");
}

void make_directory(const std::string& path, uint32_t mode) {
  if (mkdir(path.c_str(), mode) < 0) throw_errno("mkdir", path);
}

void rename_file(const std::string& from, const std::string& to) {
  if (rename(from.c_str(), to.c_str()) < 0) throw_errno("rename", from);
}

void remove_file(const std::string& path) {
  if (unlink(path.c_str()) < 0 && errno != ENOENT) throw_errno("unlink", path);
}

void remove_directory(const std::string& path) {
  if (rmdir(path.c_str()) < 0 && errno != ENOENT) throw_errno("rmdir", path);
}

std::vector<std::string> list_directory(const std::string& path) {
  Directory directory{opendir(path.c_str())};
  if (!directory) throw_errno("opendir", path);
  std::vector<std::string> names;
  while (const dirent* entry = directory.next()) names.emplace_back(entry->d_name);
  if (errno != 0) throw_errno("readdir", path);
  return names;
}

std::string real_path(const std::string& path) {
  const std::unique_ptr<char, decltype(&free)> real(realpath(path.c_str(), nullptr), free);
  if (!real) throw_errno("realpath", path);
  return real.get();
}

// undefined when there is nothing there.
std::optional<FileInfo> file_info(const std::string& path) {
  struct stat data;
  if (lstat(path.c_str(), &data) < 0) {
    if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
    throw_errno("lstat", path);
  }
  const FileType type = S_ISREG(data.st_mode)    ? FileType::file
                        : S_ISDIR(data.st_mode)  ? FileType::directory
                        : S_ISLNK(data.st_mode)  ? FileType::link
                        : S_ISSOCK(data.st_mode) ? FileType::socket
                                                 : FileType::other;
  return FileInfo{type, data.st_mode & 07777, data.st_uid};
}

bool is_writable(const std::string& path) {
  return faccessat(AT_FDCWD, path.c_str(), W_OK, AT_EACCESS) == 0;
}

bool same_file(const std::string& one, const std::string& other) {
  struct stat files[2];
  for (int i = 0; i < 2; i++) {
    const std::string& path = i == 0 ? one : other;
    if (stat(path.c_str(), &files[i]) == 0) continue;
    if (errno != ENOENT && errno != ENOTDIR && errno != ESRCH) throw_errno("stat", path);
    return false;
  }
  return files[0].st_ino == files[1].st_ino && files[0].st_dev == files[1].st_dev;
}

bool has_attribute(const std::string& path, const std::string& name) {
  const bool has = getxattr(path.c_str(), name.c_str(), nullptr, 0) >= 0;
  return has;
}

int32_t open_file(const std::string& path, int32_t flags) {
  const int fd = open(path.c_str(), flags | O_CLOEXEC | O_NOCTTY, 0666);
  if (fd < 0) throw_errno("open", path);
  return fd;
}

void close_file(int32_t fd) { close_fd(fd); }

int32_t memory_file(const std::string& name, const std::string& text) {
  Fd fd{memfd_create(name.c_str(), MFD_CLOEXEC)};
  if (!fd || !write_all(fd.get(), text.data(), text.size()) || lseek(fd.get(), 0, SEEK_SET) < 0)
    throw_errno("memfd_create");
  return fd.release();
}

std::string read_tail(int32_t fd, uint32_t limit) {
  const off_t size = lseek(fd, 0, SEEK_END);
  if (size < 0) throw_errno("lseek");
  std::string text(static_cast<size_t>(std::min<off_t>(size, limit)), '\0');
  if (pread(fd, text.data(), text.size(), size - static_cast<off_t>(text.size())) < 0)
    throw_errno("pread");
  return text;
}

// A lock on a directory's descriptor; false when somebody else holds it and `wait` is false.
bool lock_file(int32_t fd, bool shared, bool wait) {
  int result;
  do result = flock(fd, (shared ? LOCK_SH : LOCK_EX) | (wait ? 0 : LOCK_NB));
  while (result < 0 && errno == EINTR);
  if (result < 0 && errno != EWOULDBLOCK) throw_errno("flock");
  return result == 0;
}

// Pipes, sockets and terminals become a user's; what is a file, or the null device, is for others too.
void own_streams(const std::vector<int32_t>& fds, uint32_t uid) {
  for (const int fd : fds) {
    struct stat data;
    if (fstat(fd, &data) < 0) {
      if (errno == EBADF) continue;  // the caller has closed it
      throw_errno("fstat", "standard stream");
    }
    const bool null = S_ISCHR(data.st_mode) && data.st_rdev == makedev(1, 3);
    if (null || S_ISREG(data.st_mode) || S_ISDIR(data.st_mode) || data.st_uid == uid) continue;
    // Read-only and foreign file systems, and owners that are not ours to change, stay as they are.
    if (fchown(fd, uid, static_cast<gid_t>(-1)) < 0 && errno != EPERM && errno != EROFS &&
        errno != EINVAL)
      throw_errno("fchown", "standard stream");
  }
}

void change_owner(const std::string& path, uint32_t uid, uint32_t gid) {
  if (lchown(path.c_str(), uid, gid) < 0) throw_errno("lchown", path);
}

}  // namespace tsrun
