// Starts tsrun-init.
#include "launch/clone.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sys/cpu_mask.h"

namespace tsrun {
namespace {

struct Shared {
  const CloneRequest* request;
  ChildFailure failure;
};

void pass_on(ChildFailure& failure, int fd, const char* what) noexcept {
  const int flags = fcntl(fd, F_GETFD);
  if (flags < 0 || fcntl(fd, F_SETFD, flags & ~FD_CLOEXEC) < 0) give_up(failure, what, errno);
}

void decimal(int number, char* text) noexcept {
  char digits[12];
  int count = 0;
  do digits[count++] = static_cast<char>('0' + number % 10);
  while ((number /= 10) != 0);
  while (count > 0) *text++ = digits[--count];
  *text = 0;
}

void become_init(void* argument) noexcept {
  const CloneRequest& r = *static_cast<Shared*>(argument)->request;
  ChildFailure& failure = static_cast<Shared*>(argument)->failure;
  for (int i = 0; i < 3; i++)
    if (r.stdio[i] != i && dup2(r.stdio[i], i) < 0) give_up(failure, "dup2", errno);
  for (int i = 0; i < 3; i++)
    if (r.stdio[i] == i && fcntl(i, F_GETFD) >= 0) (void)fcntl(i, F_SETFD, 0);
  // What else has one of the numbers up to the last of them is our own, and close-on-exec.
  for (size_t i = 0; i < r.preserved_count; i++)
    pass_on(failure, r.preserved[i], "fcntl(preserved descriptor)");
  pass_on(failure, r.sync, "fcntl");
  pass_on(failure, r.plan, "fcntl");
  if (r.start >= 0) pass_on(failure, r.start, "fcntl");
  if (r.target >= 0) pass_on(failure, r.target, "fcntl");
  char plan[12];
  decimal(r.plan, plan);
  char name[] = "tsrun-init";
  char* argv[] = {name, plan, nullptr};
  char* envp[] = {nullptr};
  (void)syscall(SYS_execveat, r.image, "", argv, envp, AT_EMPTY_PATH);
  give_up(failure, "execveat", errno);
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

}  // namespace

Child clone_init(const CloneRequest& request) noexcept {
  const BornOn born_on(request.cpus);
  if (born_on.error() != 0) {
    Child none;
    none.error = born_on.error();
    none.syscall = "sched_setaffinity";
    return none;
  }
  Shared shared{&request, {}};
  return vfork_child(request.flags, request.cgroup, become_init, &shared, shared.failure);
}

}  // namespace tsrun
