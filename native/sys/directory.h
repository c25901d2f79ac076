// The names in a directory; it is closed when its owner goes out of scope.
#pragma once
#include <dirent.h>
#include <errno.h>
#include <string.h>

namespace tsrun {

class Directory {
 public:
  // What opendir(3) or fdopendir(3) gives: null where they failed.
  explicit Directory(DIR* stream) noexcept : stream_(stream) {}
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  ~Directory() noexcept {
    if (stream_ != nullptr) (void)::closedir(stream_);
  }

  explicit operator bool() const noexcept { return stream_ != nullptr; }

  // The next entry but `.` and `..`; null at the end, where errno is 0, and on failure.
  const dirent* next() noexcept {
    errno = 0;
    const dirent* entry = ::readdir(stream_);
    while (entry != nullptr &&
           (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0))
      entry = ::readdir(stream_);
    return entry;
  }

 private:
  DIR* stream_;
};

}  // namespace tsrun
