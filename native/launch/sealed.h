// Memory that nobody can change any more: the image of tsrun-init and the plan.
#pragma once
#include <stddef.h>

namespace tsrun {

// A memfd with these contents, all seals set. `executable`: it will be executed. -1 with errno set.
int sealed_memfd(const char* name, const void* data, size_t size, bool executable) noexcept;

// The image of tsrun-init, made on first use and kept for the life of the process.
int init_image() noexcept;

}  // namespace tsrun
