// Says whether the mounts of this process have changed, which is far less work than to read them.
#include <fcntl.h>
#include <poll.h>

#include <cerrno>

#include "addon_functions.h"
#include "sys/fd.h"

namespace tsrun {

// Since this thread has asked last; true as well the first time, and where it cannot be told. The kernel says it once to
// who polls the file (mounts_poll in fs/proc_namespace.c): a change while they are read is one after that.
bool mounts_changed() {
  static thread_local Fd mounts;
  if (!mounts) {
    mounts.reset(open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC));
    return true;
  }
  pollfd asked{mounts.get(), POLLPRI, 0};
  int ready;
  do ready = poll(&asked, 1, 0);
  while (ready < 0 && errno == EINTR);
  return ready != 0;
}

}  // namespace tsrun
