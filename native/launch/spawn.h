// Starts a helper program of the host (hook, newuidmap, ps), with nothing of ours but what it is given.
#pragma once
#include <string>
#include <vector>

#include "addon_records.h"
#include "launch/vfork.h"

namespace tsrun {

// The array that execve(2) takes, for as long as the texts are there and unchanged.
std::vector<char*> pointers(const std::vector<std::string>& texts);

Child spawn(const SpawnRequest& request);

}  // namespace tsrun
