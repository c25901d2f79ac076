// Starts tsrun-init.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "launch/vfork.h"

namespace tsrun {

struct CloneRequest {
  int image;             // sealed memfd of tsrun-init
  int plan;              // sealed memfd of the plan
  int sync;              // init's end of the sync socket
  int start;             // listening start socket, or -1
  int target;            // pidfd of the container's init, or -1
  int stdio[3];          // become 0, 1, 2
  const int* preserved;  // these are passed on
  size_t preserved_count;
  uint64_t flags;    // CLONE_NEW*
  int cgroup;        // directory fd of a cgroup2 group to be born in, or -1
  const char* cpus;  // CPU list to be born on (`0-3,7`), empty for the caller's
};

Child clone_init(const CloneRequest& request) noexcept;

}  // namespace tsrun
