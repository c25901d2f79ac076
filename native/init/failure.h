// The result of a step: nothing, or which system call failed and on what.
#pragma once
#include <errno.h>

namespace tsrun {

struct Failure {
  int error = 0;
  const char* syscall = nullptr;  // null: success
  const char* path = "";
  const char* detail = "";
  explicit operator bool() const noexcept { return syscall != nullptr; }
};

inline constexpr Failure kOk{};

// Takes errno where it stands: call it on the failing line.
inline Failure fail(const char* syscall, const char* path = "", const char* detail = "") noexcept {
  return Failure{errno, syscall, path, detail};
}

// Something is wrong that no system call has complained about.
inline Failure refuse(int error, const char* what, const char* path, const char* detail) noexcept {
  return Failure{error, what, path, detail};
}

inline Failure hostile_plan() noexcept {
  return Failure{EBADMSG, "plan", "", "the plan does not decode"};
}

}  // namespace tsrun
