// A child that shares our memory until it executes, on a stack of its own: a large caller pays nothing for its size.
#pragma once
#include <stdint.h>

namespace tsrun {

// What kept the child from executing; it runs in our memory, so it just writes it down.
struct ChildFailure {
  volatile int error = 0;
  const char* volatile syscall = nullptr;
};

struct Child {
  int pid = -1;
  int pidfd = -1;  // close-on-exec
  int error = 0;   // errno of the clone, or of what the child did before it executed
  const char* syscall = nullptr;
};

// Ends the child and tells why.
[[noreturn]] void give_up(ChildFailure& failure, const char* syscall, int error) noexcept;

// Starts a child with the namespaces of `flags` (CLONE_NEW*), born in the cgroup2 group of the directory `cgroup`
// unless that is -1. `become` must execute or give up, by async-signal-safe calls only: other threads of the caller
// may hold any lock. All signals are blocked in it and have their default action.
Child vfork_child(uint64_t flags, int cgroup, void (*become)(void*), void* argument,
                  ChildFailure& failure) noexcept;

}  // namespace tsrun
