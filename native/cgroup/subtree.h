// A cgroup and all those below it, walked by descriptors: names below a container's own cgroup are its choice, so they
// may be of any bytes and any depth (longer than PATH_MAX).
#pragma once
#include <sys/types.h>

#include <vector>

#include "wires.h"

namespace tsrun {

struct SubtreeResult {
  std::vector<pid_t> pids;  // of `list`; 0 for each process outside of this pid namespace
  int error = 0;
  const char* syscall = nullptr;
};

// What has gone meanwhile is passed over, the first cgroup too.
SubtreeResult walk_subtree(const char* directory, SubtreeWork work);

}  // namespace tsrun
