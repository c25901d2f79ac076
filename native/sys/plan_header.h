// The fixed part in front of the plan's steps. The descriptors are filled in by the addon.
#pragma once
#include <stdint.h>

namespace tsrun {

struct PlanHeader {
  uint32_t magic;
  uint32_t version;
  uint32_t step_count;
  uint32_t total_length;
  int32_t sync_fd;
  int32_t start_fd;
  uint32_t preserve_fds;
  int32_t target_fd;  // pidfd of the container whose namespaces are entered (exec), or -1
};
static_assert(sizeof(PlanHeader) == 32);

inline constexpr uint32_t kPlanMagic = 0x50525354;

}  // namespace tsrun
