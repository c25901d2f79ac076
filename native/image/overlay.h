// A stack of directories as one file system (overlayfs).
#pragma once
#include <string>
#include <vector>

namespace tsrun {

struct Overlay {
  std::vector<std::string> lowers;  // the topmost first
  std::string upper, work;          // both empty for a stack that can only be read
  // Of a user namespace: overlayfs keeps its marks in attributes that such a user may set.
  bool user;
  // Nobody needs the upper directory after a crash: unmounting does not wait for the disk.
  bool passing;
  // It becomes a layer, and is itself below a next one.
  bool grows;
};

// The detached mount. Throws SyscallFailure.
int open_overlay(const Overlay& overlay);

}  // namespace tsrun
