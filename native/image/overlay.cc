// Mounts overlayfs from descriptors: any number of layers, of any path.
#include "image/overlay.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <optional>

#include "addon/failure.h"
#include "sys/fd.h"
#include "sys/syscall.h"

namespace tsrun {
namespace {

// fsconfig(2) takes no more, its NUL included.
constexpr size_t kMaxValue = 256;

struct Opened {
  Fd fd;
  std::string name;  // for overlayfs: its path, or where that would not do, its descriptor's
};

Opened open_layer(const std::string& path) {
  Opened opened{Fd{open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)}, path};
  if (!opened.fd) throw_errno("open", path);
  // Characters that mean something in the options of overlayfs.
  if (path.size() >= kMaxValue || path[0] != '/' || path.find_first_of("\\:,") != std::string::npos)
    opened.name = "/proc/self/fd/" + std::to_string(opened.fd.get());
  return opened;
}

void set(const Fd& context, const char* key, const std::string& value) {
  if (sys::fsconfig(context.get(), FSCONFIG_SET_STRING, key, value.c_str()) < 0)
    throw_errno("fsconfig", key);
}

// The root of a stack is seen with owner, mode and times of its topmost directory: those of the layer below.
void copy_root(const Opened& from, const std::string& to) {
  struct stat info;
  if (fstat(from.fd.get(), &info) < 0) throw_errno("fstat", from.name);
  const timespec times[] = {info.st_atim, info.st_mtim};
  if (chown(to.c_str(), info.st_uid, info.st_gid) < 0) throw_errno("chown", to);
  if (chmod(to.c_str(), info.st_mode & 07777) < 0) throw_errno("chmod", to);
  if (utimensat(AT_FDCWD, to.c_str(), times, 0) < 0) throw_errno("utimensat", to);
}

// Before Linux 6.5 all layers are one value: their descriptors, seen from where all of them are, keep it short.
void set_lowers_together(const Fd& context, const std::vector<Opened>& lowers, bool grows) {
  std::string value;
  for (const Opened& lower : lowers)
    value += (value.empty() ? "" : ":") + std::to_string(lower.fd.get());
  // A stack that just fits must not become one that does not: what is made of it could not be mounted.
  const size_t next = grows ? sizeof ":1234" - 1 : 0;
  if (value.size() + next >= kMaxValue) throw_failure("fsconfig", E2BIG, "lowerdir");
  set(context, "lowerdir", value);
}

// Names of descriptors mean something here: overlayfs looks for them when it is given them, before 6.5 when it is made.
class AtDescriptors {
 public:
  AtDescriptors() : here_(open(".", O_PATH | O_DIRECTORY | O_CLOEXEC)) {
    if (!here_ || chdir("/proc/self/fd") < 0) throw_errno("chdir", "/proc/self/fd");
  }
  AtDescriptors(const AtDescriptors&) = delete;
  // A directory that has been left can be entered again.
  ~AtDescriptors() { (void)!fchdir(here_.get()); }

 private:
  const Fd here_;
};

}  // namespace

int open_overlay(const Overlay& overlay) {
  const Fd context{sys::fsopen("overlay")};
  if (!context) throw_errno("fsopen", "overlay");
  std::vector<Opened> lowers;
  for (const std::string& path : overlay.lowers) lowers.push_back(open_layer(path));
  std::optional<AtDescriptors> together;
  for (const Opened& lower : lowers) {
    if (sys::fsconfig(context.get(), FSCONFIG_SET_STRING, "lowerdir+", lower.name.c_str()) == 0)
      continue;
    if (errno != EINVAL || &lower != &lowers.front()) throw_errno("fsconfig", lower.name);
    together.emplace();
    set_lowers_together(context, lowers, overlay.grows);
    break;
  }
  Opened upper, work;
  if (!overlay.upper.empty()) {
    copy_root(lowers.front(), overlay.upper);
    upper = open_layer(overlay.upper);
    work = open_layer(overlay.work);
    set(context, "upperdir", upper.name);
    set(context, "workdir", work.name);
  }
  // Whatever the host's defaults are: a layer must mean the same wherever it is stacked.
  for (const char* feature : {"redirect_dir", "index", "metacopy"}) set(context, feature, "off");
  for (const auto& [wanted, flag] :
       {std::pair{overlay.user, "userxattr"}, std::pair{overlay.passing, "volatile"}})
    if (wanted && sys::fsconfig(context.get(), FSCONFIG_SET_FLAG, flag, nullptr) < 0)
      throw_errno("fsconfig", flag);
  if (sys::fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr) < 0)
    throw_errno("fsconfig", "overlay");
  const int mount = sys::fsmount(context.get(), 0);
  if (mount < 0) throw_errno("fsmount", "overlay");
  return mount;
}

}  // namespace tsrun
