// A failed system call on its way to JavaScript, where it becomes a SyscallError (src/native/addon.ts).
#pragma once
#include <cerrno>
#include <string>

namespace tsrun {

struct SyscallFailure {
  std::string syscall;
  int error;
  std::string path;
};

// Not a failed system call: what was asked for cannot be; becomes a plain Error.
struct RefusedProfile {
  std::string words;
};

// For an errno that has been kept.
[[noreturn]] inline void throw_failure(const char* syscall, int error,
                                       const std::string& path = "") {
  throw SyscallFailure{syscall, error, path};
}

// Takes errno from the failing call.
[[noreturn]] inline void throw_errno(const char* syscall, const std::string& path = "") {
  const int error = errno;
  throw_failure(syscall, error, path);
}

}  // namespace tsrun
