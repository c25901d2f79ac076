// Tells JavaScript when descriptors are ready: one epoll thread for each environment that waits.
#pragma once
#include <napi.h>

#include <cstdint>
#include <map>
#include <thread>

#include "sys/fd.h"

namespace tsrun {

// Everything but the thread belongs to the thread of JavaScript, so there is nothing to lock: the thread knows
// only numbers. It starts with the first descriptor and is gone before the environment is (a worker that is
// terminated, the end of the program), so no call comes to an environment that is not there any more.
class Watcher {
 public:
  // For an environment that has just come to be, and has this thread for itself; lives as long as it.
  static void make(napi_env env);
  // That of the environment of this thread.
  static Watcher& own() { return *own_; }

  struct Wait {
    uint32_t events;  // of epoll(7)
    bool child;       // a pidfd of a child of this process, to be reaped by somebody in any case
  };
  // Calls back once, when one of the events is there. The number is for `remove`; throws.
  uint64_t add(int fd, const Wait& wait, const Napi::Function& callback);
  // Forgets it; one that has been called back is forgotten already.
  void remove(uint64_t number);
  // As long as it is held, the event loop does not end.
  void hold(int change);

 private:
  explicit Watcher(napi_env env) : env_(env) {}
  struct Watched {
    Fd fd;  // a duplicate: what the caller does with its own cannot confuse the set
    bool child;
    Napi::FunctionReference callback;
  };
  void start();
  static void loop(int epoll, napi_threadsafe_function tell);
  static void on_ready(napi_env env, napi_value, void* context, void* number);
  static void stop(void* watcher);

  static thread_local Watcher* own_;
  napi_env env_;
  Fd epoll_;
  Fd end_;  // an eventfd that ends the thread
  std::thread thread_;
  napi_threadsafe_function tell_ = nullptr;
  std::map<uint64_t, Watched> watched_;
  uint64_t last_ = 0;
  int holds_ = 0;
};

}  // namespace tsrun
