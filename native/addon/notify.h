// sd_notify(3) on behalf of a container.
#pragma once
#include <string>

namespace tsrun {

// Reads what a container has sent to its notify socket. At READY= tells the manager at `host`, with
// `pid` above 0 also MAINPID, and waits until the manager has taken notice (at most 30 seconds).
// True when there is nothing more to wait for.
bool forward_ready(int fd, const std::string& host, int pid);

}  // namespace tsrun
