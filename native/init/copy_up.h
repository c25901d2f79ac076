// tmpcopyup: what the image has at a tmpfs's mount point is copied into it.
#pragma once
#include "init/failure.h"

namespace tsrun {

// Copies the contents of directory `from` (an O_PATH fd) into directory `to`: owner, mode, times,
// links and device nodes are kept. `destination` is for the error message.
Failure copy_up(int from, int to, const char* destination) noexcept;

}  // namespace tsrun
