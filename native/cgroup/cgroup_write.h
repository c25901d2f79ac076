// Writes values to files of one cgroup directory, in order, up to the first that is rejected.
#pragma once
#include <stddef.h>

#include <span>
#include <string>

namespace tsrun {

struct CgroupFile {
  std::string name;   // in the directory itself: links and `..` are refused
  std::string value;  // each of its lines is one write, since the kernel parses one line per write
};

struct CgroupWriteResult {
  size_t index = 0;  // of the file that failed; the number of files when it was the directory
  int error = 0;     // errno, 0 when all was written
  const char* syscall = nullptr;
};

CgroupWriteResult cgroup_write(const char* directory, std::span<const CgroupFile> files) noexcept;

}  // namespace tsrun
