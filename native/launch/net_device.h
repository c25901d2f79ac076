// Moves network devices of the caller's network namespace into another one (linux.netDevices).
#pragma once
#include <stddef.h>

#include <span>
#include <string>

namespace tsrun {

struct NetDeviceMove {
  std::string name;    // here
  std::string target;  // there
};

struct NetDeviceFailure {
  size_t device = 0;                // index of the one that failed
  int error = 0;                    // errno, 0: all are there
  const char* operation = nullptr;  // the rtnetlink message that failed
  std::string words;                // more than errno says; may be empty
};

// Moves all of them, gives them their names, then their permanent global addresses back, which the
// kernel drops on the way, and sets them up. Before the first one is touched, all must be there and
// all names free; what fails later leaves behind what is done.
NetDeviceFailure move_net_devices(int netns, std::span<const NetDeviceMove> moves);

}  // namespace tsrun
