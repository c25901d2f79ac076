// sched_setattr(2), and what it may mean that it fails.
#pragma once
#include <errno.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace tsrun::sys {

constexpr uint32_t kSchedDeadline = 6;

struct SchedAttr {  // struct sched_attr
  uint32_t size;
  uint32_t policy;
  uint64_t flags;
  int32_t nice;
  uint32_t priority;
  uint64_t runtime;
  uint64_t deadline;
  uint64_t period;
};

// Of a process by its pid; 0: the calling one.
inline int sched_setattr(int pid, const SchedAttr& attributes) noexcept {
  return static_cast<int>(::syscall(SYS_sched_setattr, pid, &attributes, 0));
}

// sched(7) "SCHED_DEADLINE"; empty where errno says it all.
inline const char* why_no_scheduler(uint32_t policy, int error) noexcept {
  if (policy != kSchedDeadline) return "";
  switch (error) {
    case EINVAL:
      return "SCHED_DEADLINE takes a runtime of 1024 ns or more, no longer than the deadline, "
             "which is "
             "no longer than the period, which is within kernel.sched_deadline_period_min_us and "
             "kernel.sched_deadline_period_max_us";
    case EBUSY:
      return "the CPUs have no time left for this runtime in each period: see "
             "kernel.sched_rt_runtime_us";
    case EPERM:
      return "SCHED_DEADLINE takes CAP_SYS_NICE, and the right to use every CPU";
    default:
      return "";
  }
}

}  // namespace tsrun::sys
