// Work in threads (background.cc).
#pragma once

namespace tsrun {

// At the end of the environment of this thread: ends what it has launched and not asked for.
void discard_launches() noexcept;

}  // namespace tsrun
