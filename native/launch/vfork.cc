// Clone with the address space shared until the child executes.
#include "launch/vfork.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/kernel.h"
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif

namespace tsrun {
namespace {

constexpr size_t kStackSize = size_t{64} * 1024;

#if defined(__x86_64__)
// The child starts on a stack of its own: on ours it would overwrite what we return to.
long clone_on_stack(sys::CloneArguments* args, void (*become)(void*), void* argument) noexcept {
  long result;
  register void* entry __asm__("r12") = reinterpret_cast<void*>(become);
  register void* given __asm__("r13") = argument;
  __asm__ volatile(
      "syscall\n\t"
      "test %%rax, %%rax\n\t"
      "jnz 1f\n\t"
      "xor %%ebp, %%ebp\n\t"
      "mov %%r13, %%rdi\n\t"
      "call *%%r12\n\t"
      "hlt\n"
      "1:"
      : "=a"(result)
      : "0"(SYS_clone3), "D"(args), "S"(sizeof *args), "r"(entry), "r"(given)
      : "rcx", "r11", "memory");
  return result;
}
#elif defined(__aarch64__)
long clone_on_stack(sys::CloneArguments* args, void (*become)(void*), void* argument) noexcept {
  register long x0 __asm__("x0") = reinterpret_cast<long>(args);
  register long x1 __asm__("x1") = sizeof *args;
  register long x8 __asm__("x8") = SYS_clone3;
  register void* entry __asm__("x19") = reinterpret_cast<void*>(become);
  register void* given __asm__("x20") = argument;
  __asm__ volatile(
      "svc #0\n\t"
      "cbnz x0, 1f\n\t"
      "mov x29, xzr\n\t"
      "mov x0, x20\n\t"
      "blr x19\n\t"
      "brk #0\n"
      "1:"
      : "+r"(x0)
      : "r"(x1), "r"(x8), "r"(entry), "r"(given)
      : "memory");
  return x0;
}
#else
#error "tsrun supports x86-64 and arm64: add clone_on_stack for this architecture"
#endif

}  // namespace

void give_up(ChildFailure& failure, const char* syscall, int error) noexcept {
  failure.error = error;
  failure.syscall = syscall;
  _exit(127);
}

Child vfork_child(uint64_t flags, int cgroup, void (*become)(void*), void* argument,
                  ChildFailure& failure) noexcept {
  Child child;
  void* stack = mmap(nullptr, kStackSize, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  if (stack == MAP_FAILED) {
    child.error = errno;
    child.syscall = "mmap";
    return child;
  }
  sys::CloneArguments args{};
  args.flags = flags | CLONE_VM | CLONE_VFORK | CLONE_PIDFD | CLONE_CLEAR_SIGHAND;
  args.pidfd = reinterpret_cast<uintptr_t>(&child.pidfd);
  args.exit_signal = SIGCHLD;
  args.stack = reinterpret_cast<uintptr_t>(stack);
  args.stack_size = kStackSize;
  if (cgroup >= 0) {
    args.flags |= CLONE_INTO_CGROUP;
    args.cgroup = static_cast<uint64_t>(cgroup);
  }
  // No signal may run a handler of the JavaScript runtime in the child.
  sigset_t all, old;
  sigfillset(&all);
  (void)pthread_sigmask(SIG_BLOCK, &all, &old);
  const long pid = clone_on_stack(&args, become, argument);
  (void)pthread_sigmask(SIG_SETMASK, &old, nullptr);
#ifdef __SANITIZE_ADDRESS__
  // The child's frames never return, and what is mapped here next must not be taken for theirs.
  __asan_unpoison_memory_region(stack, kStackSize);
#endif
  (void)munmap(stack, kStackSize);
  if (pid < 0) {
    child.error = static_cast<int>(-pid);
    child.syscall = "clone3";
    return child;
  }
  child.pid = static_cast<int>(pid);
  if (failure.error != 0) {
    child.error = failure.error;
    child.syscall = failure.syscall;
    (void)waitpid(child.pid, nullptr, 0);
    (void)close(child.pidfd);
    child.pid = child.pidfd = -1;
  }
  return child;
}

}  // namespace tsrun
