// A launch of init in three steps; the middle one needs no JavaScript, so a thread can do it.
#pragma once
#include <string>
#include <vector>

#include "addon_records.h"
#include "launch/clone.h"
#include "sys/fd.h"

namespace tsrun {

// Holds what must stay open, or in place, until init runs.
class PreparedLaunch {
 public:
  explicit PreparedLaunch(const LaunchRequest& request);
  PreparedLaunch(const PreparedLaunch&) = delete;
  PreparedLaunch& operator=(const PreparedLaunch&) = delete;

  // Returns when init has been executed.
  Child clone() const noexcept;
  // Throws what the clone has failed with.
  Launched finish(const Child& child);

 private:
  Fd own_;    // our end of the sync socket
  Fd image_;  // where it cannot be kept
  Fd sync_, start_, target_, plan_;
  std::vector<int> preserved_;
  std::string cpus_;
  CloneRequest clone_{};
};

}  // namespace tsrun
