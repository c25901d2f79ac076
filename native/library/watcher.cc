#include "library/watcher.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/wait.h>

#include <cerrno>

#include "addon/descriptors.h"
#include "addon/failure.h"
#include "addon_functions.h"
#include "library/background.h"

namespace tsrun {
namespace {

void check(napi_env env, napi_status status, const char* what) {
  if (status != napi_ok) throw Napi::Error::New(env, std::string("Node-API: ") + what);
}

// Waits for the end of a child that nobody else waits for any more.
void reap_in_background(Fd pidfd) {
  std::thread([fd = pidfd.release()] {
    while (waitid(P_PIDFD, static_cast<id_t>(fd), nullptr, WEXITED) < 0 && errno == EINTR) {
    }
    (void)close(fd);
  }).detach();
}

}  // namespace

thread_local Watcher* Watcher::own_ = nullptr;

void Watcher::make(napi_env env) {
  own_ = new Watcher(env);
  check(env, napi_add_env_cleanup_hook(env, stop, own_), "napi_add_env_cleanup_hook");
}

void Watcher::start() {
  if (tell_ != nullptr) return;
  epoll_.reset(epoll_create1(EPOLL_CLOEXEC));
  end_.reset(eventfd(0, EFD_CLOEXEC));
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = 0;
  if (!epoll_ || !end_ || epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, end_.get(), &event) < 0)
    throw_errno("epoll_create1");
  const Napi::String name = Napi::String::New(env_, "tsrun-watch");
  check(env_,
        napi_create_threadsafe_function(env_, nullptr, nullptr, name, 0, 1, nullptr, nullptr, this,
                                        on_ready, &tell_),
        "napi_create_threadsafe_function");
  // The hooks run last in, first out: ours must come before that of the function, which frees it.
  (void)napi_remove_env_cleanup_hook(env_, stop, this);
  check(env_, napi_add_env_cleanup_hook(env_, stop, this), "napi_add_env_cleanup_hook");
  if (holds_ == 0) (void)napi_unref_threadsafe_function(env_, tell_);
  thread_ = std::thread(loop, epoll_.get(), tell_);
}

void Watcher::loop(int epoll, napi_threadsafe_function tell) {
  for (;;) {
    epoll_event events[64];
    const int count = epoll_wait(epoll, events, 64, -1);
    for (int i = 0; i < count; i++) {
      if (events[i].data.u64 == 0) return;
      (void)napi_call_threadsafe_function(tell, reinterpret_cast<void*>(events[i].data.u64),
                                          napi_tsfn_nonblocking);
    }
  }
}

void Watcher::on_ready(napi_env env, napi_value, void* context, void* number) {
  if (env == nullptr) return;
  auto* self = static_cast<Watcher*>(context);
  const auto found = self->watched_.find(reinterpret_cast<uint64_t>(number));
  if (found == self->watched_.end()) return;
  const Napi::FunctionReference callback = std::move(found->second.callback);
  self->remove(found->first);
  try {
    try {
      callback.Call({});
    } catch (const Napi::Error& error) {
      error.ThrowAsJavaScriptException();
    }
  } catch (const Napi::Error&) {
    // A worker is being terminated: no JavaScript runs in it any more, and nobody can be told.
  }
}

uint64_t Watcher::add(int fd, const Wait& wait, const Napi::Function& callback) {
  start();
  Fd own{fcntl(fd, F_DUPFD_CLOEXEC, 3)};
  if (!own) throw_errno("fcntl");
  const uint64_t number = ++last_;
  epoll_event event{};
  event.events = wait.events | EPOLLONESHOT;
  event.data.u64 = number;
  const bool watched = epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, own.get(), &event) == 0;
  // A file is always ready, and epoll(7) refuses it.
  if (!watched && errno != EPERM) throw_errno("epoll_ctl");
  watched_.emplace(number, Watched{std::move(own), wait.child, Napi::Persistent(callback)});
  if (!watched)
    (void)napi_call_threadsafe_function(tell_, reinterpret_cast<void*>(number),
                                        napi_tsfn_nonblocking);
  return number;
}

void Watcher::remove(uint64_t number) {
  const auto found = watched_.find(number);
  if (found == watched_.end()) return;
  // Not left to the close: a process that was forked meanwhile may have the descriptor too.
  (void)epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, found->second.fd.get(), nullptr);
  watched_.erase(found);
}

void Watcher::hold(int change) {
  start();
  const bool before = holds_ > 0;
  holds_ += change;
  const bool now = holds_ > 0;
  if (now && !before) (void)napi_ref_threadsafe_function(env_, tell_);
  if (!now && before) (void)napi_unref_threadsafe_function(env_, tell_);
}

void Watcher::stop(void* watcher) {
  auto* self = static_cast<Watcher*>(watcher);
  if (self->thread_.joinable()) {
    (void)eventfd_write(self->end_.get(), 1);
    self->thread_.join();
  }
  // A zombie in a pid namespace keeps its init from ending (pid_namespaces(7)), for everybody who waits for that.
  for (auto& [number, watched] : self->watched_)
    if (watched.child) reap_in_background(std::move(watched.fd));
  discard_launches();
  close_given();
  // The function is freed by the environment, whose own hook comes after this one, and calls nothing any more.
  delete self;
}

double watch(int32_t fd, uint32_t events, bool child, const Napi::Function& callback) {
  return static_cast<double>(Watcher::own().add(fd, {events, child}, callback));
}

void unwatch(double number) { Watcher::own().remove(static_cast<uint64_t>(number)); }

void hold_loop(int32_t change) { Watcher::own().hold(change); }

}  // namespace tsrun
