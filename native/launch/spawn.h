// Starts a helper program of the host (hook, newuidmap, ps), with nothing of ours but what it is given.
#pragma once
#include <string>
#include <vector>

#include "launch/vfork.h"

namespace tsrun {

struct SpawnRequest {
  std::string path;                                       // of the program: no PATH is searched
  std::vector<std::string> args;                          // from argv[0] on
  const std::vector<std::string>* environment = nullptr;  // NAME=value; null: the caller's own
  std::string directory;                                  // to start in
  std::vector<int> descriptors;  // become 0, 1, 2, …; all others are closed
};

Child spawn(const SpawnRequest& request);

}  // namespace tsrun
