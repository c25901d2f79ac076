// Finds, makes and clears places below one directory.
#include "image/place.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <functional>
#include <string_view>

#include "addon/failure.h"
#include "image/refused.h"
#include "image/tree.h"
#include "sys/directory.h"
#include "sys/syscall.h"

namespace tsrun {
namespace {

// The entries of a layer name a directory's parents by its own links, as long as they stay below.
constexpr uint64_t kBelow = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
// Bytes of names of directories whose times are set at the end.
constexpr size_t kMaxKept = 32 << 20;

[[noreturn]] void refuse_parent(const std::string& entry, int error) {
  switch (error) {
    case EXDEV:
      refuse_image(entry, "a directory of its name is a link that leads out of the root");
    case ELOOP:
      refuse_image(entry, "a directory of its name is a link in a circle");
    case ENOENT:
      refuse_image(entry, "a directory of its name is a link to nothing");
    case ENOTDIR:
      refuse_image(entry, "a directory of its name is none");
    case ENAMETOOLONG:
      refuse_image(entry, "its name is too long");
    default:
      throw_failure("openat2", error, entry);
  }
}

}  // namespace

std::string clean_entry_path(const std::string& entry, const char* path) {
  std::string_view rest(path);
  if (rest.empty()) refuse_image(entry, "it has an empty name");
  if (rest.front() == '/') refuse_image(entry, "it has an absolute name");
  std::string clean;
  while (!rest.empty()) {
    const size_t slash = rest.find('/');
    const std::string_view part = rest.substr(0, slash);
    rest = slash == std::string_view::npos ? std::string_view() : rest.substr(slash + 1);
    if (part.empty() || part == ".") continue;
    if (part == "..") refuse_image(entry, "its name leads upwards by ..");
    if (part.size() > NAME_MAX) refuse_image(entry, "its name is too long");
    if (!clean.empty()) clean += '/';
    clean += part;
  }
  if (clean.size() >= PATH_MAX) refuse_image(entry, "its name is too long");
  return clean;
}

Place::Split Place::split(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return {"", path};
  return {path.substr(0, slash), path.substr(slash + 1)};
}

Fd Place::open_directory(const std::string& path, const std::string& entry) {
  Fd fd{sys::openat2(root_, path.empty() ? "." : path.c_str(), O_PATH | O_DIRECTORY, kBelow)};
  if (!fd && errno != ENOENT) refuse_parent(entry, errno);
  return fd;
}

int Place::existing_directory(const std::string& path, const std::string& entry) {
  if (cached_ && cached_path_ == path) return cached_.get();
  Fd fd = open_directory(path, entry);
  if (!fd) return -1;
  // It is a directory of lower layers, unless the layer has had it.
  if (note(path)) {
    struct stat info;
    if (fstat(fd.get(), &info) < 0) throw_errno("fstat", entry);
    const timespec times[] = {info.st_atim, info.st_mtim};
    keep_times(path, times, entry);
  }
  cached_ = static_cast<Fd&&>(fd);
  cached_path_ = path;
  return cached_.get();
}

int Place::directory(const std::string& path, const std::string& entry) {
  const int found = existing_directory(path, entry);
  if (found >= 0) return found;
  // From the first that is missing on, without recursion: a name may have two thousand components.
  Fd at;
  for (size_t end = path.find('/');; end = path.find('/', end + 1)) {
    const std::string above = path.substr(0, end);
    at = open_directory(above, entry);
    if (!at) {
      const Split place = split(above);
      const Fd parent = open_directory(place.directory, entry);
      if (!parent || mkdirat(parent.get(), place.name.c_str(), 0755) < 0)
        refuse_parent(entry, errno == EEXIST ? ENOENT : errno);
      // Whatever the umask is.
      if (fchmodat(parent.get(), place.name.c_str(), 0755, 0) < 0) throw_errno("chmod", entry);
      (void)note(above);
      at = open_directory(above, entry);
      if (!at) refuse_parent(entry, errno);
    }
    if (end == std::string::npos) break;
  }
  cached_ = static_cast<Fd&&>(at);
  cached_path_ = path;
  return cached_.get();
}

bool Place::note(const std::string& path) {
  return seen_.insert(std::hash<std::string>()(path)).second;
}

bool Place::make_room(int directory, const std::string& name, bool for_directory,
                      const std::string& entry) {
  struct stat info;
  if (fstatat(directory, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) < 0) {
    if (errno == ENOENT) return false;
    if (errno == ENAMETOOLONG) refuse_image(entry, "its name is too long");
    throw_errno("fstat", entry);
  }
  if (S_ISDIR(info.st_mode) && for_directory) return true;
  remove_tree(directory, name);
  return false;
}

void Place::hide(const std::string& path, const std::string& entry) {
  const Split place = split(path);
  const int parent = existing_directory(place.directory, entry);
  if (parent < 0) return;
  if (!seen_.contains(std::hash<std::string>()(path))) {
    remove_tree(parent, place.name);
    forget();
    return;
  }
  struct stat info;
  if (fstatat(parent, place.name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(info.st_mode))
    hide_contents(path, entry);
}

void Place::hide_contents(const std::string& path, const std::string& entry) {
  // Each directory only once; what is to be gone through yet is a list, not a recursion.
  std::vector<std::string> paths{path};
  while (!paths.empty()) {
    const std::string at = std::move(paths.back());
    paths.pop_back();
    if (existing_directory(at, entry) < 0) continue;
    const Fd fd{sys::openat2(root_, at.empty() ? "." : at.c_str(), O_RDONLY | O_DIRECTORY, kBelow)};
    Directory directory{fd ? fdopendir(fcntl(fd.get(), F_DUPFD_CLOEXEC, 0)) : nullptr};
    if (!directory) throw_errno("opendir", entry);
    while (const dirent* child = directory.next()) {
      const std::string below = at.empty() ? child->d_name : at + "/" + child->d_name;
      if (!seen_.contains(std::hash<std::string>()(below))) {
        remove_tree(fd.get(), child->d_name);
      } else if (child->d_type == DT_DIR) {
        paths.push_back(below);
      }
    }
    if (errno != 0) throw_errno("readdir", entry);
  }
  forget();
}

void Place::keep_times(const std::string& path, const timespec (&times)[2],
                       const std::string& entry) {
  kept_bytes_ += path.size() + sizeof(Times);
  if (kept_bytes_ > kMaxKept)
    refuse_image(entry, "the layer has too many directories, or too long names of them");
  times_.push_back({path, {times[0], times[1]}});
}

void Place::restore_times() {
  for (const Times& one : times_) {
    const Fd fd{sys::openat2(root_, one.path.empty() ? "." : one.path.c_str(),
                             O_RDONLY | O_DIRECTORY, kBelow)};
    // Replaced or hidden since.
    if (!fd && (errno == ENOENT || errno == ENOTDIR || errno == EXDEV || errno == ELOOP)) continue;
    if (!fd || futimens(fd.get(), one.times) < 0) throw_errno("utimensat", one.path);
  }
}

}  // namespace tsrun
