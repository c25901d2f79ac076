// Waiting for descriptors: blocking for the command line, one epoll thread for the library.
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "addon/failure.h"
#include "addon_functions.h"
#include "sys/fd.h"

namespace tsrun {
namespace {

// One thread for all descriptors of the process. It starts with the first `watch` and sleeps in
// epoll_wait for the rest of the process's life; a watched descriptor keeps the event loop alive.
class Watcher {
 public:
  static Watcher& get() {
    static Watcher* watcher = new Watcher;  // never destroyed: its thread may be running at exit
    return *watcher;
  }

  bool add(Napi::Env env, int fd, const Napi::Function& callback) {
    // A duplicate, so that whatever the caller does with its descriptor cannot confuse the set.
    const int own = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (own < 0) return false;
    auto function = Napi::ThreadSafeFunction::New(env, callback, "tsrun-watch", 0, 1);
    const std::lock_guard<std::mutex> guard(mutex_);
    waiting_.emplace(own, function);
    epoll_event event{};
    event.events = EPOLLIN | EPOLLONESHOT;
    event.data.fd = own;
    if (epoll_ctl(epoll_, EPOLL_CTL_ADD, own, &event) == 0) return true;
    const int error = errno;
    waiting_.erase(own);
    function.Release();
    (void)close(own);
    errno = error;
    return false;
  }

 private:
  Watcher() : epoll_(epoll_create1(EPOLL_CLOEXEC)) {
    std::thread([this] { loop(); }).detach();
  }

  [[noreturn]] void loop() {
    for (;;) {
      epoll_event events[16];
      const int count = epoll_wait(epoll_, events, 16, -1);
      for (int i = 0; i < count; i++) finish(events[i].data.fd);
    }
  }

  void finish(int fd) {
    const std::lock_guard<std::mutex> guard(mutex_);
    const auto found = waiting_.find(fd);
    if (found == waiting_.end()) return;
    (void)epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
    (void)close(fd);
    found->second.BlockingCall([](Napi::Env, Napi::Function callback) { callback.Call({}); });
    found->second.Release();
    waiting_.erase(found);
  }

  int epoll_;
  std::mutex mutex_;
  std::map<int, Napi::ThreadSafeFunction> waiting_;
};

}  // namespace

// Blocks until `fd` is readable or `timeout` milliseconds are over (-1: no limit). False: time over.
bool wait_readable(int32_t fd, int32_t timeout) {
  pollfd watched{fd, POLLIN, 0};
  int result;
  do result = poll(&watched, 1, timeout);
  while (result < 0 && errno == EINTR);
  if (result < 0) throw_errno("poll");
  return result > 0;
}

void watch(int32_t fd, const Napi::Function& callback) {
  if (!Watcher::get().add(callback.Env(), fd, callback)) throw_errno("epoll_ctl");
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

// An eventfd(2) that the kernel signals when a cgroup of the memory controller of cgroup v1 is out of
// memory, and when it is removed.
int32_t notify_oom(const std::string& directory) {
  const std::string path = directory + "/memory.oom_control";
  const Fd watched{open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!watched) throw_errno("open", path);
  Fd notice{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  if (!notice) throw_errno("eventfd");
  const std::string control = directory + "/cgroup.event_control";
  const std::string line = std::to_string(notice.get()) + " " + std::to_string(watched.get());
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
