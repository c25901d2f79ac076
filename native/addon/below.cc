// Looks at files below a directory that a container may own: nothing that it puts there leads out of it, is executed,
// or makes tsrun wait.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <optional>
#include <string>
#include <vector>

#include "addon/failure.h"
#include "addon_functions.h"
#include "sys/fd.h"
#include "sys/syscall.h"

namespace tsrun {
namespace {

std::string place_of(int fd) {
  char target[PATH_MAX];
  const std::string link = "/proc/self/fd/" + std::to_string(fd);
  const ssize_t length = readlink(link.c_str(), target, sizeof target);
  return length < 0 ? "" : std::string(target, static_cast<size_t>(length));
}

// A descriptor that can only be asked what it is; none where there is nothing, or nothing that may be looked at.
Fd open_below(const Fd& top, const std::string& path) {
  if (!top) return Fd{};
  return Fd{sys::openat2(top.get(), path.empty() ? "." : path.c_str(), O_PATH,
                         RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS)};
}

Fd open_top(const std::string& root) {
  return Fd{open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
}

std::string without_root(const std::string& place, const std::string& root) {
  if (root == "/" || place.compare(0, root.size(), root) != 0) return place;
  return place.size() == root.size() ? "/" : place.substr(root.size());
}

}  // namespace

std::optional<LookedAt> look_below(const std::string& root, const std::string& path) {
  const Fd top = open_top(root);
  const Fd file = open_below(top, path);
  struct stat info;
  struct statvfs system;
  if (!file || fstat(file.get(), &info) < 0 || fstatvfs(file.get(), &system) < 0)
    return std::nullopt;
  const FileType type = S_ISREG(info.st_mode)    ? FileType::file
                        : S_ISDIR(info.st_mode)  ? FileType::directory
                        : S_ISSOCK(info.st_mode) ? FileType::socket
                                                 : FileType::other;
  return LookedAt{type,
                  info.st_mode & 07777,
                  info.st_uid,
                  info.st_gid,
                  (system.f_flag & ST_NOEXEC) != 0,
                  without_root(place_of(file.get()), place_of(top.get()))};
}

std::optional<std::vector<uint8_t>> read_below(const std::string& root, const std::string& path,
                                               double offset, uint32_t size) {
  const Fd file = open_below(open_top(root), path);
  struct stat info;
  if (!file || fstat(file.get(), &info) < 0 || !S_ISREG(info.st_mode)) return std::nullopt;
  const std::string link = "/proc/self/fd/" + std::to_string(file.get());
  const Fd data{open(link.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)};
  if (!data) return std::nullopt;
  std::vector<uint8_t> bytes(size);
  const ssize_t got = pread(data.get(), bytes.data(), size, static_cast<off_t>(offset));
  if (got < 0) return std::nullopt;
  bytes.resize(static_cast<size_t>(got));
  return bytes;
}

}  // namespace tsrun
