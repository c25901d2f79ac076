// Waiting for descriptors, and descriptors that something can be waited for with.
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <string>

#include "addon/failure.h"
#include "addon_functions.h"
#include "sys/fd.h"

namespace tsrun {
// The clock that no namespace shifts.
double microseconds() {
  timespec now{};
  (void)clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

// Blocks until `fd` is readable or `timeout` milliseconds are over (-1: no limit). False: time over.
bool wait_readable(int32_t fd, int32_t timeout) {
  pollfd watched{fd, POLLIN, 0};
  int result;
  do result = poll(&watched, 1, timeout);
  while (result < 0 && errno == EINTR);
  if (result < 0) throw_errno("poll");
  return result > 0;
}

int32_t notify_file(const std::string& path) {
  Fd fd{inotify_init1(IN_CLOEXEC | IN_NONBLOCK)};
  if (!fd || inotify_add_watch(fd.get(), path.c_str(), IN_MODIFY) < 0)
    throw_errno("inotify_add_watch", path);
  return fd.release();
}

// A descriptor that becomes readable after so many milliseconds, again and again if `repeat` is true.
int32_t open_timer(double milliseconds, bool repeat) {
  itimerspec time{};
  time.it_value.tv_sec = static_cast<time_t>(milliseconds / 1e3);
  time.it_value.tv_nsec =
      static_cast<long>((milliseconds - static_cast<double>(time.it_value.tv_sec) * 1e3) * 1e6);
  if (repeat) time.it_interval = time.it_value;
  Fd fd{timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)};
  if (!fd || timerfd_settime(fd.get(), 0, &time, nullptr) < 0) throw_errno("timerfd");
  return fd.release();
}

// A descriptor that is readable when one of several is.
int32_t gather(const std::vector<int32_t>& fds) {
  Fd set{epoll_create1(EPOLL_CLOEXEC)};
  if (!set) throw_errno("epoll_create1");
  for (const int fd : fds) {
    epoll_event event{};
    event.events = EPOLLIN;
    if (epoll_ctl(set.get(), EPOLL_CTL_ADD, fd, &event) < 0) throw_errno("epoll_ctl");
  }
  return set.release();
}

// An eventfd(2) that the kernel signals when the memory controller of cgroup v1 has something to tell of a cgroup by this
// file: memory.oom_control, that it is out of memory, memory.pressure_level with a level, that it is short of it; and when
// the cgroup is removed (memory.rst of cgroup v1).
int32_t notify_memory(const std::string& directory, const std::string& file,
                      const std::string& level) {
  const std::string path = directory + "/" + file;
  const Fd watched{open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!watched) throw_errno("open", path);
  Fd notice{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  if (!notice) throw_errno("eventfd");
  const std::string control = directory + "/cgroup.event_control";
  const std::string line =
      std::to_string(notice.get()) + " " + std::to_string(watched.get()) + " " + level;
  const Fd fd{open(control.c_str(), O_WRONLY | O_CLOEXEC)};
  if (!fd || write(fd.get(), line.data(), line.size()) < 0) throw_errno("write", control);
  return notice.release();
}

void drain(int32_t fd) {
  char buffer[4096];
  while (read(fd, buffer, sizeof buffer) > 0) {
  }
}

}  // namespace tsrun
