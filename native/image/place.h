// Where the entries of a layer go: below one directory, found by descriptors alone. A name that leads out of it, by
// `..`, a slash in front or a link, is refused with the entry.
#pragma once
#include <sys/stat.h>
#include <time.h>

#include <string>
#include <unordered_set>
#include <vector>

#include "sys/fd.h"

namespace tsrun {

// `path` without `.` and empty components; `entry` is named in the refusal. Throws RefusedImage.
std::string clean_entry_path(const std::string& entry, const char* path);

class Place {
 public:
  // The directory stays the caller's.
  explicit Place(int root) : root_(root) {}

  // A path, as clean_entry_path gives it, split behind its directory.
  struct Split {
    std::string directory, name;
  };
  static Split split(const std::string& path);

  // The directory at this path, made with those above it where it is missing; good until the next call.
  int directory(const std::string& path, const std::string& entry);
  // The same; -1 where it is missing.
  int existing_directory(const std::string& path, const std::string& entry);

  // Notes that the layer has this path; false when it has had it before.
  bool note(const std::string& path);
  // Removes what is at a name of the directory, to make room for an entry, other than a directory for a directory.
  // True when something is left: that directory.
  bool make_room(int directory, const std::string& name, bool for_directory,
                 const std::string& entry);
  // What lower layers have at this path, of which nothing that the layer itself has goes.
  void hide(const std::string& path, const std::string& entry);
  // The same of all that is in a directory.
  void hide_contents(const std::string& path, const std::string& entry);

  // Sets these times of a directory at the end: what comes into it changes them.
  void keep_times(const std::string& path, const timespec (&times)[2], const std::string& entry);
  void restore_times();

 private:
  struct Times {
    std::string path;
    timespec times[2];
  };

  Fd open_directory(const std::string& path, const std::string& entry);
  void forget() {
    cached_.reset();
    cached_path_.clear();
  }

  const int root_;
  std::string cached_path_;
  Fd cached_;
  // Hashes of paths: of a million of them two are equal once in 30 million layers.
  std::unordered_set<size_t> seen_;
  std::vector<Times> times_;
  size_t kept_bytes_ = 0;
};

}  // namespace tsrun
