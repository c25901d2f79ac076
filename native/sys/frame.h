// What init tells the parent over the sync socket: one SOCK_SEQPACKET message per frame, a fixed
// head followed by three NUL-terminated texts (syscall, path, detail).
#pragma once
#include <stdint.h>

namespace tsrun {

enum class FrameType : uint32_t {
  failure = 1,   // a step failed: step, error, syscall, path, detail
  event = 2,     // a barrier: value is the Event
  child = 3,     // stage 1 has made init: value is the pid, the pidfd is attached
  console = 4,   // the terminal's ptmx is attached
  listener = 5,  // a seccomp listener: value is the descriptor's number in init
  hook = 6,      // a hook failed: value is its index, path, detail
  source = 7,    // init asks for a mount source (value from 1 on), or the helper's answer: a mount
};

struct FrameHead {
  uint32_t type;
  uint32_t step;
  int32_t error;
  uint32_t value;
};

inline constexpr uint32_t kFrameCapacity = 8192;

// What the parent answers at a barrier.
inline constexpr char kGo = 'g';

}  // namespace tsrun
