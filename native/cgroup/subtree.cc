// Walks a cgroup and all those below it with two descriptors at a time, whatever the depth.
#include "cgroup/subtree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string>

#include "sys/directory.h"
#include "sys/fd.h"

namespace tsrun {
namespace {

constexpr int kDirectory = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

// A directory on the way down to the present one.
struct Level {
  std::string name;
  struct stat id;
  std::vector<std::string> below;  // not yet visited
};

bool is_gone(int error) noexcept { return error == ENOENT || error == ENODEV; }

class Walk {
 public:
  explicit Walk(SubtreeWork work) noexcept : work_(work) {}

  SubtreeResult run(const char* directory) {
    at_.reset(open(directory, kDirectory));
    if (!at_) return is_gone(errno) ? std::move(result_) : failure("open");
    // Nothing above belongs to this walk.
    if (std::string type; work_ == SubtreeWork::list && read_all("cgroup.type", type))
      threads_ = type == "threaded\n";
    if (!enter("")) return std::move(result_);
    while (step())
      if (result_.error != 0) break;
    return std::move(result_);
  }

 private:
  SubtreeResult failure(const char* syscall) {
    fail(syscall, errno);
    return std::move(result_);
  }

  bool fail(const char* syscall, int error) noexcept {
    result_.error = error;
    result_.syscall = syscall;
    return false;
  }

  // Notes what is below the present directory.
  bool enter(const std::string& name) {
    Level level{name, {}, {}};
    if (fstat(at_.get(), &level.id) < 0) return fail("fstat", errno);
    // The kernel counts two links and one for each directory below.
    if (level.id.st_nlink != 2 && !list_below(level)) return false;
    levels_.push_back(std::move(level));
    return true;
  }

  bool list_below(Level& level) {
    Fd copy{openat(at_.get(), ".", kDirectory)};
    if (!copy) return is_gone(errno) || fail("openat", errno);
    Directory entries{fdopendir(copy.get())};
    if (!entries) return fail("fdopendir", errno);
    (void)copy.release();
    while (const dirent* entry = entries.next())
      if (entry->d_type == DT_DIR) level.below.emplace_back(entry->d_name);
    return errno == 0 || is_gone(errno) || fail("readdir", errno);
  }

  // One directory further: down, or when all below have been visited, up. False at the end.
  bool step() {
    Level& top = levels_.back();
    if (!top.below.empty()) {
      const std::string name = std::move(top.below.back());
      top.below.pop_back();
      Fd child{openat(at_.get(), name.c_str(), kDirectory)};
      if (!child) return is_gone(errno) || fail("openat", errno);
      at_ = std::move(child);
      return enter(name);
    }
    if (!visit()) return false;
    const std::string name = std::move(top.name);
    levels_.pop_back();
    return !levels_.empty() && ascend(name);
  }

  // cgroup v1 lets directories be renamed, so what is above may have changed: then the walk is not of this tree.
  bool ascend(const std::string& name) noexcept {
    Fd parent{openat(at_.get(), "..", kDirectory)};
    if (!parent) return fail("openat", errno);
    struct stat found;
    if (fstat(parent.get(), &found) < 0) return fail("fstat", errno);
    const struct stat& expected = levels_.back().id;
    if (found.st_dev != expected.st_dev || found.st_ino != expected.st_ino)
      return fail("openat", ESTALE);
    at_ = std::move(parent);
    if (work_ != SubtreeWork::remove) return true;
    if (unlinkat(at_.get(), name.c_str(), AT_REMOVEDIR) == 0 || is_gone(errno) || errno == EBUSY)
      return true;
    return fail("rmdir", errno);
  }

  bool visit() {
    if (work_ == SubtreeWork::list) return list();
    if (work_ == SubtreeWork::thaw) return thaw();
    return true;
  }

  // Into `text`; false with errno when the file can't be read.
  bool read_all(const char* name, std::string& text) {
    Fd file{openat(at_.get(), name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)};
    if (!file) return false;
    char block[4096];
    for (;;) {
      const ssize_t got = read(file.get(), block, sizeof block);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return got == 0;
      text.append(block, static_cast<size_t>(got));
    }
  }

  bool list() {
    std::string text;
    // A cgroup of threads: its processes are listed above it (cgroups(7)).
    if (!read_all(threads_ ? "cgroup.threads" : "cgroup.procs", text))
      return is_gone(errno) || errno == EOPNOTSUPP || fail("read", errno);
    for (const char* next = text.c_str(); *next != '\0';) {
      char* end;
      const long pid = strtol(next, &end, 10);
      if (end == next) break;  // not a list of the kernel's
      add(static_cast<pid_t>(pid));
      next = *end == '\n' ? end + 1 : end;
    }
    return true;
  }

  // Of threads only those that stand for a process.
  void add(pid_t pid) {
    if (threads_) {
      Fd process{static_cast<int>(syscall(SYS_pidfd_open, pid, 0))};
      if (!process) return;
    }
    result_.pids.push_back(pid);
  }

  bool thaw() noexcept {
    Fd file{openat(at_.get(), "freezer.state", O_WRONLY | O_NOFOLLOW | O_CLOEXEC)};
    if (!file) return is_gone(errno) || fail("openat", errno);
    if (write(file.get(), "THAWED", 6) < 0 && !is_gone(errno)) return fail("write", errno);
    return true;
  }

  SubtreeWork work_;
  bool threads_ = false;
  SubtreeResult result_;
  std::vector<Level> levels_;
  Fd at_;
};

}  // namespace

SubtreeResult walk_subtree(const char* directory, SubtreeWork work) {
  return Walk{work}.run(directory);
}

}  // namespace tsrun
