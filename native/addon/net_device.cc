// Network devices: opens the namespace that they are moved to, tells what failed.
#include "launch/net_device.h"

#include <fcntl.h>

#include "addon/failure.h"
#include "addon_functions.h"
#include "sys/fd.h"

namespace tsrun {

std::optional<RejectedDevice> move_devices(const std::string& netns,
                                           const std::vector<TextPair>& moves) {
  const Fd fd{open(netns.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!fd) throw_errno("open", netns);
  std::vector<NetDeviceMove> list;
  list.reserve(moves.size());
  for (const auto& [name, target] : moves) list.push_back({name, target});
  const NetDeviceFailure failed = move_net_devices(fd.get(), list);
  if (failed.error == 0) return std::nullopt;
  return RejectedDevice{static_cast<uint32_t>(failed.device), failed.operation, failed.error,
                        failed.words};
}

}  // namespace tsrun
