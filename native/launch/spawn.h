// Starts a helper program of the host (hook, newuidmap, ps), with nothing of ours but what it is given.
#pragma once
#include "addon_records.h"
#include "launch/vfork.h"

namespace tsrun {

Child spawn(const SpawnRequest& request);

}  // namespace tsrun
