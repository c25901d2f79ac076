// Removes a tree with one descriptor at a time, so that no depth is too much.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include "addon/failure.h"
#include "image/tree.h"
#include "sys/directory.h"
#include "sys/fd.h"
#include "sys/syscall.h"

namespace tsrun {
namespace {

struct Level {
  std::string name;  // in the level above
  dev_t device;
  ino_t inode;
  std::vector<std::string> directories;  // still to be removed
};

// Removes the files of a directory; the names of its directories.
std::vector<std::string> remove_files(int fd, const std::string& path) {
  Fd own{sys::openat2(fd, ".", O_RDONLY | O_DIRECTORY, 0)};
  if (!own) throw_errno("open", path);
  Directory directory{fdopendir(own.release())};
  if (!directory) throw_errno("opendir", path);
  std::vector<std::string> directories;
  while (const dirent* entry = directory.next()) {
    if (entry->d_type != DT_DIR && unlinkat(fd, entry->d_name, 0) == 0) continue;
    if (entry->d_type != DT_DIR && errno == ENOENT) continue;
    if (entry->d_type != DT_DIR && errno != EISDIR) throw_errno("unlink", entry->d_name);
    directories.emplace_back(entry->d_name);
  }
  if (errno != 0) throw_errno("readdir", path);
  return directories;
}

Level enter(const Fd& fd, std::string name) {
  struct stat info;
  if (fstat(fd.get(), &info) < 0) throw_errno("fstat", name);
  std::vector<std::string> directories = remove_files(fd.get(), name);
  return {std::move(name), info.st_dev, info.st_ino, std::move(directories)};
}

}  // namespace

void remove_tree(int directory, const std::string& name) {
  if (unlinkat(directory, name.c_str(), 0) == 0 || errno == ENOENT) return;
  if (errno != EISDIR && errno != EPERM) throw_errno("unlink", name);
  constexpr uint64_t kFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
  Fd at{sys::openat2(directory, name.c_str(), kFlags, RESOLVE_NO_XDEV)};
  if (!at) throw_errno("open", name);
  std::vector<Level> levels;
  levels.push_back(enter(at, name));
  for (;;) {
    Level& level = levels.back();
    if (!level.directories.empty()) {
      std::string child = std::move(level.directories.back());
      level.directories.pop_back();
      Fd below{sys::openat2(at.get(), child.c_str(), kFlags, RESOLVE_NO_XDEV)};
      if (!below && errno == ENOENT) continue;
      if (!below) throw_errno("open", child);
      at = std::move(below);
      levels.push_back(enter(at, std::move(child)));
      continue;
    }
    const std::string done = level.name;
    levels.pop_back();
    if (levels.empty()) {
      if (unlinkat(directory, done.c_str(), AT_REMOVEDIR) < 0) throw_errno("rmdir", done);
      return;
    }
    Fd above{openat(at.get(), "..", kFlags | O_CLOEXEC)};
    struct stat info;
    if (!above || fstat(above.get(), &info) < 0) throw_errno("open", "..");
    if (info.st_ino != levels.back().inode || info.st_dev != levels.back().device)
      throw_failure("open", ESTALE, done);
    at = std::move(above);
    if (unlinkat(at.get(), done.c_str(), AT_REMOVEDIR) < 0) throw_errno("rmdir", done);
  }
}

}  // namespace tsrun
