#include "addon/descriptors.h"

#include <unistd.h>

#include <set>

namespace tsrun {
namespace {

// An environment has its thread for itself.
thread_local std::set<int> given;

}  // namespace

Napi::Value give_fd(Napi::Env env, int fd) {
  if (fd >= 0) given.insert(fd);
  return Napi::Number::New(env, fd);
}

void close_fd(int fd) noexcept {
  given.erase(fd);
  (void)close(fd);
}

void close_given() noexcept {
  for (const int fd : given) (void)close(fd);
  given.clear();
}

}  // namespace tsrun
