// The step that runs a hook in the container's namespaces.
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#include "init/context.h"
#include "init/end.h"
#include "plan_steps.h"
#include "sys/syscall.h"
#include "sys/text.h"

namespace tsrun::step {
namespace {

constexpr size_t kKeptOutput = 4096;

struct Output {
  char text[kKeptOutput + 1] = "";
  size_t size = 0;
};

// The state document in a memfd: a pipe would block on a hook that does not read it.
Failure state_document(const Hook& s, Fd& file) noexcept {
  char pid[12] = "";
  append_number(pid, sizeof pid, static_cast<uint32_t>(::getpid()));
  file.reset(static_cast<int>(::syscall(SYS_memfd_create, "state", 1U /* MFD_CLOEXEC */)));
  if (!file) return fail("memfd_create");
  if (::write(file.get(), s.state_prefix.data, s.state_prefix.size) < 0 ||
      ::write(file.get(), pid, strlen(pid)) < 0 ||
      ::write(file.get(), s.state_suffix.data, s.state_suffix.size) < 0)
    return fail("write", "state");
  return ::lseek(file.get(), 0, SEEK_SET) < 0 ? fail("lseek", "state") : kOk;
}

// Errno of what kept a hook from its program, which it says in our memory: it shares that until it executes (vfork(2)).
volatile int not_started = 0;

[[noreturn]] void become_hook(const Hook& s, const Context& context, int state, int output,
                              char** argv, char** env) noexcept {
  // What the caller preserves is for the program alone; all others are close-on-exec by themselves.
  for (uint32_t i = 0; i < context.preserve_fds; i++)
    (void)::fcntl(static_cast<int>(3 + i), F_SETFD, FD_CLOEXEC);
  const bool ready = ::dup2(state, 0) == 0 && ::dup2(output, 1) == 1 && ::dup2(output, 2) == 2 &&
                     ::chdir(s.cwd.data) == 0 && !enter_filter(context);
  if (ready) (void)::execve(s.path.data, argv, env);
  not_started = errno;
  end_process(127);
}

// Keeps the end of the output, which is where programs say what went wrong.
void keep(Output& output, const char* data, size_t size) noexcept {
  if (size > kKeptOutput) {
    data += size - kKeptOutput;
    size = kKeptOutput;
  }
  if (output.size + size > kKeptOutput) {
    const size_t drop = output.size + size - kKeptOutput;
    memmove(output.text, output.text + drop, output.size - drop);
    output.size -= drop;
  }
  memcpy(output.text + output.size, data, size);
  output.size += size;
  output.text[output.size] = 0;
}

bool drain(int pipe, Output& output) noexcept {
  char buffer[1024];
  const ssize_t got = ::read(pipe, buffer, sizeof buffer);
  if (got > 0) keep(output, buffer, static_cast<size_t>(got));
  return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

int64_t now_ms() noexcept {
  timespec time;
  (void)::clock_gettime(CLOCK_MONOTONIC, &time);
  return int64_t{time.tv_sec} * 1000 + time.tv_nsec / 1000000;
}

// Until the hook ends (not until its output does: it may have left a daemon). False: out of time.
bool await_end(int pidfd, int pipe, uint32_t timeout, Output& output) noexcept {
  const int64_t deadline = timeout == 0 ? INT64_MAX : now_ms() + int64_t{timeout} * 1000;
  pollfd watched[2] = {{pidfd, POLLIN, 0}, {pipe, POLLIN, 0}};
  for (;;) {
    const int64_t left = deadline == INT64_MAX ? -1 : deadline - now_ms();
    if (deadline != INT64_MAX && left <= 0) return false;
    const int wait = left > 1000000 ? 1000000 : static_cast<int>(left);
    if (::poll(watched, 2, wait) < 0 && errno != EINTR) return false;
    if (watched[1].revents != 0 && !drain(pipe, output)) watched[1].fd = -1;
    if (watched[0].revents != 0) break;
  }
  while (watched[1].fd >= 0) {
    pollfd last{pipe, POLLIN, 0};
    if (::poll(&last, 1, 0) <= 0 || !drain(pipe, output)) break;
  }
  return true;
}

Failure hook_failed(const Hook& s, const Context& context, bool in_time, int status,
                    const Output& output) noexcept {
  static char detail[kKeptOutput + 256] = "";
  if (!in_time) {
    append_text(detail, sizeof detail, "ran past its time limit of ");
    append_number(detail, sizeof detail, s.timeout);
    append_text(detail, sizeof detail, " s and was killed");
  } else if (WIFSIGNALED(status)) {
    append_text(detail, sizeof detail, "killed by signal ");
    append_number(detail, sizeof detail, static_cast<uint32_t>(WTERMSIG(status)));
  } else {
    append_text(detail, sizeof detail, "exit status ");
    append_number(detail, sizeof detail, static_cast<uint32_t>(WEXITSTATUS(status)));
  }
  if (output.size > 0) {
    append_text(detail, sizeof detail, ": ");
    append_text(detail, sizeof detail, output.text);
  }
  const FrameHead head{FrameType::hook, context.step, not_started, s.index};
  (void)send_frame(context, head, s.kind.data, s.path.data, detail);
  end_process(1);
}

// For children of now: into the pid namespace of this process again, out of the joined one, which is kept.
Failure leave_pid_namespace(Fd& joined) noexcept {
  joined.reset(::open("/proc/self/ns/pid_for_children", O_RDONLY | O_CLOEXEC));
  if (!joined) return fail("open", "/proc/self/ns/pid_for_children");
  Fd own{::open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC)};
  if (!own) return fail("open", "/proc/self/ns/pid");
  return ::setns(own.get(), CLONE_NEWPID) < 0 ? fail("setns", "/proc/self/ns/pid") : kOk;
}

Failure run_hook(const Hook& s, Context& context) noexcept {
  Fd state;
  if (Failure failure = state_document(s, state)) return failure;
  char** argv = pointers_to(s.args);
  char** env = s.program_env ? context.executable.envp : pointers_to(s.env);
  int pipe[2];
  if (argv == nullptr || env == nullptr) return fail("mmap");
  if (::pipe2(pipe, O_CLOEXEC) < 0) return fail("pipe2");
  Fd read_end{pipe[0]}, write_end{pipe[1]};
  const pid_t pid = ::vfork();
  if (pid < 0) return fail("vfork");
  if (pid == 0) become_hook(s, context, state.get(), write_end.get(), argv, env);
  write_end.reset();
  Fd pidfd{sys::pidfd_open(pid)};
  if (!pidfd) return fail("pidfd_open");
  (void)::fcntl(read_end.get(), F_SETFL, O_NONBLOCK);
  Output output;
  const bool in_time = await_end(pidfd.get(), read_end.get(), s.timeout, output);
  if (!in_time) (void)sys::pidfd_send_signal(pidfd.get(), SIGKILL);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (in_time && status == 0) return kOk;
  return hook_failed(s, context, in_time, status, output);
}

}  // namespace

Failure run(const Hook& s, Context& context) noexcept {
  Fd joined;
  if (s.outside)
    if (Failure failure = leave_pid_namespace(joined)) return failure;
  Failure failure = run_hook(s, context);
  if (!failure && joined && ::setns(joined.get(), CLONE_NEWPID) < 0)
    failure = fail("setns", "joined pid namespace");
  return failure;
}

}  // namespace tsrun::step
