// Starts tsrun-init.
#include "launch/clone.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/cpu_mask.h"
#include "sys/kernel.h"

namespace tsrun {
namespace {

constexpr size_t kStackSize = 64 * 1024;

// Shared with the child, which runs in our memory until it executes.
struct Shared {
  const CloneRequest* request;
  volatile int error;
  const char* volatile syscall;
};

[[noreturn]] void give_up(Shared& shared, const char* syscall, int error) noexcept {
  shared.error = error;
  shared.syscall = syscall;
  _exit(127);
}

void pass_on(Shared& shared, int fd, const char* what) noexcept {
  const int flags = fcntl(fd, F_GETFD);
  if (flags < 0 || fcntl(fd, F_SETFD, flags & ~FD_CLOEXEC) < 0) give_up(shared, what, errno);
}

void decimal(int number, char* text) noexcept {
  char digits[12];
  int count = 0;
  do digits[count++] = static_cast<char>('0' + number % 10);
  while ((number /= 10) != 0);
  while (count > 0) *text++ = digits[--count];
  *text = 0;
}

// Only async-signal-safe calls: other threads of the caller may hold any lock.
[[noreturn]] void child(Shared& shared) noexcept {
  const CloneRequest& r = *shared.request;
  for (int i = 0; i < 3; i++)
    if (r.stdio[i] != i && dup2(r.stdio[i], i) < 0) give_up(shared, "dup2", errno);
  for (int i = 0; i < 3; i++)
    if (r.stdio[i] == i && fcntl(i, F_GETFD) >= 0) (void)fcntl(i, F_SETFD, 0);
  for (uint32_t i = 0; i < r.preserve_fds; i++)
    pass_on(shared, static_cast<int>(3 + i), "fcntl(preserved descriptor)");
  pass_on(shared, r.sync, "fcntl");
  pass_on(shared, r.plan, "fcntl");
  if (r.start >= 0) pass_on(shared, r.start, "fcntl");
  if (r.target >= 0) pass_on(shared, r.target, "fcntl");
  char plan[12];
  decimal(r.plan, plan);
  char name[] = "tsrun-init";
  char* argv[] = {name, plan, nullptr};
  char* envp[] = {nullptr};
  (void)syscall(SYS_execveat, r.image, "", argv, envp, AT_EMPTY_PATH);
  give_up(shared, "execveat", errno);
}

// The child inherits the CPUs of the calling thread, which has its own back afterwards.
class BornOn {
 public:
  explicit BornOn(const char* cpus) noexcept {
    CpuMask wanted;
    if (*cpus == 0) return;
    if (!wanted.parse(cpus)) {
      error_ = EINVAL;
      return;
    }
    const long size = syscall(SYS_sched_getaffinity, 0, sizeof old_.bits, old_.bits);
    if (size > 0) size_ = static_cast<size_t>(size);
    if (size <= 0 || syscall(SYS_sched_setaffinity, 0, sizeof wanted.bits, wanted.bits) < 0)
      error_ = errno;
  }
  ~BornOn() {
    if (size_ > 0) (void)syscall(SYS_sched_setaffinity, 0, size_, old_.bits);
  }
  // errno when there is no such CPU, or it may not be used.
  int error() const noexcept { return error_; }
  BornOn(const BornOn&) = delete;
  BornOn& operator=(const BornOn&) = delete;

 private:
  CpuMask old_;
  size_t size_ = 0;
  int error_ = 0;
};

#if defined(__x86_64__)
// The child starts on a stack of its own: on ours it would overwrite what we return to.
long clone_on_stack(sys::CloneArguments* args, Shared* shared) noexcept {
  long result;
  register void* entry __asm__("r12") = reinterpret_cast<void*>(child);
  register Shared* argument __asm__("r13") = shared;
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
      : "0"(SYS_clone3), "D"(args), "S"(sizeof *args), "r"(entry), "r"(argument)
      : "rcx", "r11", "memory");
  return result;
}
#elif defined(__aarch64__)
long clone_on_stack(sys::CloneArguments* args, Shared* shared) noexcept {
  register long x0 __asm__("x0") = reinterpret_cast<long>(args);
  register long x1 __asm__("x1") = sizeof *args;
  register long x8 __asm__("x8") = SYS_clone3;
  register void* entry __asm__("x19") = reinterpret_cast<void*>(child);
  register Shared* argument __asm__("x20") = shared;
  __asm__ volatile(
      "svc #0\n\t"
      "cbnz x0, 1f\n\t"
      "mov x29, xzr\n\t"
      "mov x0, x20\n\t"
      "blr x19\n\t"
      "brk #0\n"
      "1:"
      : "+r"(x0)
      : "r"(x1), "r"(x8), "r"(entry), "r"(argument)
      : "memory");
  return x0;
}
#else
#error "tsrun supports x86-64 and arm64: add clone_on_stack for this architecture"
#endif

}  // namespace

CloneResult clone_init(const CloneRequest& request) noexcept {
  CloneResult result;
  void* stack = mmap(nullptr, kStackSize, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  if (stack == MAP_FAILED) {
    result.error = errno;
    result.syscall = "mmap";
    return result;
  }
  sys::CloneArguments args{};
  args.flags = request.flags | CLONE_VM | CLONE_VFORK | CLONE_PIDFD | CLONE_CLEAR_SIGHAND;
  args.pidfd = reinterpret_cast<uintptr_t>(&result.pidfd);
  args.exit_signal = SIGCHLD;
  args.stack = reinterpret_cast<uintptr_t>(stack);
  args.stack_size = kStackSize;
  if (request.cgroup >= 0) {
    args.flags |= CLONE_INTO_CGROUP;
    args.cgroup = static_cast<uint64_t>(request.cgroup);
  }
  // No signal may run a handler of the JavaScript runtime in the child.
  sigset_t all, old;
  sigfillset(&all);
  (void)pthread_sigmask(SIG_BLOCK, &all, &old);
  Shared shared{&request, 0, nullptr};
  const BornOn born_on(request.cpus);
  const long pid = born_on.error() != 0 ? -born_on.error() : clone_on_stack(&args, &shared);
  (void)pthread_sigmask(SIG_SETMASK, &old, nullptr);
  (void)munmap(stack, kStackSize);
  if (pid < 0) {
    result.error = static_cast<int>(-pid);
    result.syscall = born_on.error() != 0 ? "sched_setaffinity" : "clone3";
    return result;
  }
  result.pid = static_cast<int>(pid);
  if (shared.error != 0) {
    result.error = shared.error;
    result.syscall = shared.syscall;
    (void)waitpid(result.pid, nullptr, 0);
    (void)close(result.pidfd);
    result.pid = result.pidfd = -1;
  }
  return result;
}

}  // namespace tsrun
