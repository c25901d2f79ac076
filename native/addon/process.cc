// Processes by pidfd: open, signal, reap.
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "addon/failure.h"
#include "addon_functions.h"
#include "sys/fd.h"
#include "sys/scheduler.h"
#include "sys/syscall.h"

namespace tsrun {

ProcessIds process_ids() { return {getpid(), geteuid(), getegid()}; }

// The name may hold any character, so it ends at the last `)`; the fields behind it are numbered from 3 on (proc(5)).
std::optional<ProcessStat> process_stat(int32_t pid) {
  const std::string path = "/proc/" + std::to_string(pid) + "/stat";
  const Fd fd{open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  char text[1024];
  ssize_t size = -1;
  if (fd) {
    do size = read(fd.get(), text, sizeof text);
    while (size < 0 && errno == EINTR);
  }
  if (size < 0) {
    if (errno == ENOENT || errno == ESRCH) return std::nullopt;
    throw_errno(fd ? "read" : "open", path);
  }
  const std::string_view all{text, static_cast<size_t>(size)};
  const size_t begin = all.find('('), end = all.rfind(')');
  if (end == all.npos) throw_failure("read", EBADMSG, path);
  std::string_view field[20];
  size_t at = end + 2;
  for (std::string_view& one : field) {
    const size_t next = std::min(all.find(' ', at), all.size());
    one = all.substr(std::min(at, all.size()), next - std::min(at, next));
    at = next + 1;
  }
  constexpr unsigned long kExiting = 4;
  const auto number = [](std::string_view digits) { return strtoul(digits.data(), nullptr, 10); };
  return ProcessStat{std::string{all.substr(begin + 1, end - begin - 1)}, std::string{field[0]},
                     static_cast<int32_t>(number(field[1])), (number(field[6]) & kExiting) != 0,
                     std::string{field[19]}};
}

// The capabilities that this process can hand on, as a bit set.
uint64_t permitted_capabilities() {
  sys::CapabilityHeader header;
  sys::CapabilityHalf data[2]{};
  if (syscall(SYS_capget, &header, data) < 0) throw_errno("capget");
  const uint64_t high = data[1].permitted;
  return high << 32 | data[0].permitted;
}

// -1 when there is no such process.
int32_t open_process(int32_t pid) {
  const int fd = sys::pidfd_open(pid);
  if (fd < 0 && errno != ESRCH && errno != EINVAL) throw_errno("pidfd_open");
  return fd;
}

// False when the process is gone.
bool signal_process(int32_t pidfd, int32_t signal) {
  const int result = sys::pidfd_send_signal(pidfd, signal);
  if (result < 0 && errno != ESRCH) throw_errno("pidfd_send_signal");
  return result == 0;
}

// Of a child that has ended: its code, or minus the signal; undefined while it runs. ECHILD: it is not a
// child of this process.
std::optional<int32_t> reap_process(int32_t pidfd) {
  siginfo_t ended{};
  int result;
  do result = waitid(P_PIDFD, static_cast<id_t>(pidfd), &ended, WEXITED | WNOHANG);
  while (result < 0 && errno == EINTR);
  if (result < 0) throw_errno("waitid");
  if (ended.si_pid == 0) return std::nullopt;
  return ended.si_code == CLD_EXITED ? ended.si_status : -ended.si_status;
}

// Of a child that has not been reaped, so that the pid is surely its.
void set_scheduler(int32_t pid, const SchedulerAttributes& wanted) {
  const sys::SchedAttr attributes{sizeof attributes, wanted.policy,   wanted.flags,
                                  wanted.nice,       wanted.priority, wanted.runtime,
                                  wanted.deadline,   wanted.period};
  if (sys::sched_setattr(pid, attributes) == 0) return;
  const int error = errno;
  throw_failure("sched_setattr", error, sys::why_no_scheduler(wanted.policy, error));
}

// A copy of another process's descriptor.
int32_t take_descriptor(int32_t pidfd, int32_t fd) {
  const int copy = sys::pidfd_getfd(pidfd, fd);
  if (copy < 0) throw_errno("pidfd_getfd");
  return copy;
}

void set_subreaper() {
  if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0) throw_errno("prctl");
}

// The name (EPERM) and the words (operation not permitted) of an errno.
ErrorText error_text(int32_t error) {
  const char* name = strerrorname_np(error);
  std::string words = strerror(error);
  if (words.size() > 1 && islower(static_cast<unsigned char>(words[1])))
    words[0] = static_cast<char>(tolower(static_cast<unsigned char>(words[0])));
  return {name == nullptr ? std::to_string(error) : name, words};
}

}  // namespace tsrun
