// tsrun-init: maps the plan, obeys it step by step, reports the first failure. Decides nothing.
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <initializer_list>

#include "init/context.h"
#include "init/end.h"
#include "init/reader.h"
#include "plan_steps.h"
#include "sys/syscall.h"
#include "wires.h"

namespace tsrun {
namespace {

// Exit status where there is nobody to tell what is wrong.
constexpr int kUnusable = 125;

int parse_fd(const char* text) noexcept {
  int number = 0;
  if (*text == 0) return -1;
  for (; *text != 0; text++) {
    if (*text < '0' || *text > '9' || number > 0xfffff) return -1;
    number = number * 10 + (*text - '0');
  }
  return number;
}

// Closes everything but stdio, the preserved descriptors and the plan's own: a descriptor that the
// caller leaked must be gone before any path of the container is looked up (CVE-2024-21626).
void close_other_fds(const PlanHeader& plan) noexcept {
  int kept[] = {plan.sync_fd, plan.start_fd, plan.target_fd};
  for (int i = 0; i < 2; i++)
    for (int j = 0; j < 2 - i; j++)
      if (kept[j] > kept[j + 1]) {
        const int higher = kept[j];
        kept[j] = kept[j + 1];
        kept[j + 1] = higher;
      }
  unsigned from = 3 + plan.preserve_fds;
  for (const int fd : kept) {
    if (fd < 0) continue;
    const unsigned number = static_cast<unsigned>(fd);
    if (number > from && sys::close_range(from, number - 1) < 0) end_process(kUnusable);
    if (number >= from) from = number + 1;
    // The end of the sync socket is what tells that the program has been executed.
    if (::fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) end_process(kUnusable);
  }
  if (sys::close_range(from, ~0U) < 0) end_process(kUnusable);
}

// JavaScript runtimes ignore SIGPIPE and block signals around the clone; the container starts clean.
void reset_signals() noexcept {
  (void)::signal(SIGPIPE, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  (void)::sigprocmask(SIG_SETMASK, &none, nullptr);
}

Failure run_plan(const uint8_t* data, size_t size, const PlanHeader& plan,
                 Context& context) noexcept {
  Reader reader(data, size);
  (void)reader.skip(sizeof plan);
  for (uint32_t i = 0; i < plan.step_count; i++) {
    uint32_t op, length;
    if (!reader.number32(op) || !reader.number32(length)) return hostile_plan();
    Reader body(reader.position(), length);
    if (!reader.skip(length)) return hostile_plan();
    context.step = op;
    if (Failure failure = step::dispatch(op, body, context)) return failure;
  }
  return reader.finished() ? kOk : hostile_plan();
}

}  // namespace

void obey_ends() noexcept {
  if (::getpid() != 1) return;
  for (const int number : {SIGHUP, SIGINT, SIGQUIT, SIGTERM}) {
    struct sigaction action {};
    if (::sigaction(number, nullptr, &action) < 0 || action.sa_handler != SIG_DFL) continue;
    action.sa_handler = [](int ended_by) { ::_exit(128 + ended_by); };
    (void)::sigaction(number, &action, nullptr);
  }
}

}  // namespace tsrun

int main(int argc, char** argv) {
  using namespace tsrun;
  // Before any namespace is joined: processes there must not ptrace or look into this one.
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0) return kUnusable;
  // By this name a container that waits for `start` is known.
  if (::prctl(PR_SET_NAME, "tsrun-init", 0, 0, 0) < 0) return kUnusable;
  const int fd = argc == 2 ? parse_fd(argv[1]) : -1;
  struct stat info;
  if (fd < 0 || ::fstat(fd, &info) != 0 || info.st_size < static_cast<off_t>(sizeof(PlanHeader)))
    return kUnusable;
  const size_t size = static_cast<size_t>(info.st_size);
  void* map = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (map == MAP_FAILED) return kUnusable;
  const PlanHeader& plan = *static_cast<const PlanHeader*>(map);
  if (plan.wire_hash != kWireHash || plan.total_length != size || plan.sync_fd < 0)
    return kUnusable;
  close_other_fds(plan);
  reset_signals();
  obey_ends();
  (void)::umask(0);

  Context context;
  context.sync = plan.sync_fd;
  context.start = plan.start_fd;
  context.target.reset(plan.target_fd);
  context.preserve_fds = plan.preserve_fds;
  const Failure failure = run_plan(static_cast<const uint8_t*>(map), size, plan, context);
  const FrameHead head{FrameType::failure, context.step, failure.error, 0};
  (void)send_frame(context, head, failure.syscall ? failure.syscall : "exec", failure.path,
                   failure.syscall ? failure.detail : "the plan has no exec step");
  end_process(1);
}
