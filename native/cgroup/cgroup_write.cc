// Writes values to files of one cgroup directory.
#include "cgroup/cgroup_write.h"

#include <errno.h>
#include <fcntl.h>

#include <string_view>

#include "sys/fd.h"
#include "sys/syscall.h"

namespace tsrun {
namespace {

// The name may come from config.json (linux.resources.unified).
constexpr uint64_t kBeneath = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;

int write_line(int fd, std::string_view line) noexcept {
  ssize_t written;
  do written = write(fd, line.data(), line.size());
  while (written < 0 && errno == EINTR);
  return written < 0 ? errno : 0;
}

// An empty value is written as an empty line: a write of no bytes does not reach the kernel's parser.
int write_lines(int fd, std::string_view value) noexcept {
  if (value.empty()) return write_line(fd, "\n");
  while (!value.empty()) {
    const size_t end = value.find('\n');
    const std::string_view line = value.substr(0, end);
    if (!line.empty())
      if (const int error = write_line(fd, line)) return error;
    value = end == value.npos ? std::string_view{} : value.substr(end + 1);
  }
  return 0;
}

}  // namespace

CgroupWriteResult cgroup_write(const char* directory, std::span<const CgroupFile> files) noexcept {
  Fd dir{open(directory, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  if (!dir) return {files.size(), errno, "open"};
  for (size_t i = 0; i < files.size(); i++) {
    const CgroupFile& file = files[i];
    if (file.name.find('\0') != file.name.npos) return {i, EINVAL, "openat2"};
    Fd fd{sys::openat2(dir.get(), file.name.c_str(), O_WRONLY, kBeneath)};
    if (!fd) return {i, errno, "openat2"};
    if (const int error = write_lines(fd.get(), file.value)) return {i, error, "write"};
  }
  return {};
}

}  // namespace tsrun
