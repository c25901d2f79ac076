// Memory that nobody can change any more: the image of tsrun-init and the plan.
#pragma once
#include <stddef.h>

#include "sys/fd.h"

namespace tsrun {

// A memfd with these contents, all seals set. `executable`: it will be executed. -1 with errno set.
int sealed_memfd(const char* name, const void* data, size_t size, bool executable) noexcept;

// The image of tsrun-init: in sealed memory, made on first use and kept for the life of the process. Where the
// sysctl vm.memfd_noexec forbids to execute memory, a file without a name, which cannot be sealed: each launch gets
// one of its own, kept in `own`, since its container could write to it. -1 with errno set.
int init_image(Fd& own) noexcept;

}  // namespace tsrun
