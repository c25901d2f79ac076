// Capability sets, for the steps that change them.
#pragma once
#include <stdint.h>

#include "init/failure.h"

namespace tsrun {

// capset(2) for the calling process.
Failure set_capabilities(uint64_t effective, uint64_t permitted, uint64_t inheritable) noexcept;

// Replaces the ambient set. Bits that are not permitted and inheritable cannot be raised: the kernel
// ignores them, and so does every other runtime.
Failure set_ambient(uint64_t ambient) noexcept;

}  // namespace tsrun
