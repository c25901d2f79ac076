// What init tells the parent over the sync socket: one SOCK_SEQPACKET message per frame, the generated
// FrameHead followed by three NUL-terminated texts (syscall, path, detail).
#pragma once
#include <stdint.h>

#include "wires.h"

namespace tsrun {

inline constexpr uint32_t kFrameCapacity = 8192;

// What the parent answers at a barrier.
inline constexpr char kGo = 'g';

}  // namespace tsrun
