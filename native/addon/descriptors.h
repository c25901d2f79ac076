// Descriptors that JavaScript holds by their numbers. A worker thread may be terminated at any moment, and with it goes
// everybody who could close them: sockets would keep their other sides waiting, locks would stay taken.
#pragma once
#include <napi.h>

namespace tsrun {

// Hands a descriptor to JavaScript, which gives it back to `close_fd`.
Napi::Value give_fd(Napi::Env env, int fd);

// Closes what `give_fd` has handed out, or any other descriptor.
void close_fd(int fd) noexcept;

// At the end of the environment of this thread: closes what it has not given back.
void close_given() noexcept;

}  // namespace tsrun
