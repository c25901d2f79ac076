// What tsrun-init tells the parent (addon/launch.cc): a frame of any bytes is taken or refused.
#include "../../native/addon/launch.cc"
#include "../../native/sys/message.cc"
#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tsrun;
  static int pair[2];
  static const int made = socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair);
  fuzz::require(made == 0, "socketpair");
  if (size == 0 || size > kFrameCapacity) return 0;
  fuzz::require(send(pair[0], data, size, 0) == static_cast<ssize_t>(size), "send");
  try {
    const std::optional<Frame> frame = receive(pair[1], false);
    fuzz::require(frame && frame->fd == -1, "a frame comes, without a descriptor");
    fuzz::require(frame->syscall.size() + frame->path.size() + frame->detail.size() <= size,
                  "no text is longer");
  } catch (const SyscallFailure&) {
  }
  return 0;
}
