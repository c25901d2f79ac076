// What may have to wait for others, in threads: the clone of init, and the lock of a state directory.
#include "library/background.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/wait.h>

#include <cerrno>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

#include "addon/descriptors.h"
#include "addon/failure.h"
#include "addon/launch.h"
#include "addon_functions.h"
#include "sys/syscall.h"

namespace tsrun {
namespace {

// The threads of the process that clone. They start when there is work for them, and stay.
class Pool {
 public:
  static Pool& get() {
    static Pool* pool = new Pool;  // never destroyed: its threads may be running at exit
    return *pool;
  }

  // Does `work`, and then says so on the eventfd, which it closes.
  void run(std::function<void()> work, Fd notice) {
    const std::lock_guard<std::mutex> guard(mutex_);
    waiting_.push_back({std::move(work), notice.release()});
    if (waiting_.size() > idle_ && threads_ < kMost) {
      threads_++;
      std::thread([this] { loop(); }).detach();
    } else {
      some_.notify_one();
    }
  }

 private:
  static constexpr size_t kMost = 4;
  struct Work {
    std::function<void()> work;
    int notice;
  };

  [[noreturn]] void loop() {
    std::unique_lock<std::mutex> lock(mutex_);
    for (;;) {
      while (waiting_.empty()) {
        idle_++;
        some_.wait(lock);
        idle_--;
      }
      const Work next = std::move(waiting_.front());
      waiting_.pop_front();
      lock.unlock();
      next.work();
      lock.lock();
      // With the lock: who hears of it finds this thread idle, and starts no other one for its next work.
      (void)eventfd_write(next.notice, 1);
      (void)close(next.notice);
    }
  }

  std::mutex mutex_;
  std::condition_variable some_;
  std::deque<Work> waiting_;
  size_t idle_ = 0;
  size_t threads_ = 0;
};

// A launch that a thread does. Who has asked for it may be gone before it is done: then init has to go too.
class Job {
 public:
  explicit Job(const LaunchRequest& request) : launch_(request) {}

  void work() {
    const Child child = launch_.clone();
    const std::lock_guard<std::mutex> guard(mutex_);
    child_ = child;
    done_ = true;
    if (unwanted_) discard();
  }

  Launched finish() {
    const std::lock_guard<std::mutex> guard(mutex_);
    if (!done_) throw_failure("clone3", EAGAIN);
    return launch_.finish(child_);
  }

  void forget() {
    const std::lock_guard<std::mutex> guard(mutex_);
    unwanted_ = true;
    if (done_) discard();
  }

 private:
  void discard() const {
    if (child_.error != 0) return;
    (void)sys::pidfd_send_signal(child_.pidfd, SIGKILL);
    while (waitid(P_PIDFD, static_cast<id_t>(child_.pidfd), nullptr, WEXITED) < 0 &&
           errno == EINTR) {
    }
    (void)close(child_.pidfd);
  }

  PreparedLaunch launch_;
  std::mutex mutex_;
  Child child_{};
  bool done_ = false;
  bool unwanted_ = false;
};

// Those of the environment of this thread that nobody has asked for yet.
thread_local std::map<uint32_t, std::shared_ptr<Job>> jobs;
thread_local uint32_t last_job = 0;

struct Notice {
  Fd fd;
  Fd copy;  // for a thread
};

Notice open_notice() {
  Notice notice{Fd{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)}, Fd{}};
  if (!notice.fd) throw_errno("eventfd");
  notice.copy.reset(fcntl(notice.fd.get(), F_DUPFD_CLOEXEC, 3));
  if (!notice.copy) throw_errno("fcntl");
  return notice;
}

}  // namespace

StartedLaunch launch_in_background(const LaunchRequest& request) {
  const auto job = std::make_shared<Job>(request);
  Notice notice = open_notice();
  jobs.emplace(++last_job, job);
  Pool::get().run([job] { job->work(); }, std::move(notice.copy));
  return {notice.fd.release(), last_job};
}

Launched finish_launch(uint32_t number) {
  const auto found = jobs.find(number);
  if (found == jobs.end()) throw_failure("clone3", ESRCH);
  const Launched launched = found->second->finish();
  jobs.erase(found);
  return launched;
}

void discard_launches() noexcept {
  for (auto& [number, job] : jobs) job->forget();
  jobs.clear();
}

// Takes the lock in a thread of its own, since others may hold it for long: an eventfd that becomes readable then.
// The thread has copies of both descriptors; the lock belongs to all of them.
int32_t lock_in_background(int32_t fd) {
  Notice notice = open_notice();
  const int lock = fcntl(fd, F_DUPFD_CLOEXEC, 3);
  if (lock < 0) throw_errno("fcntl");
  std::thread([lock, done = notice.copy.release()] {
    while (flock(lock, LOCK_EX) < 0 && errno == EINTR) {
    }
    (void)eventfd_write(done, 1);
    (void)close(done);
    (void)close(lock);
  }).detach();
  return notice.fd.release();
}

}  // namespace tsrun
