// The last steps: the seccomp filter and execve.
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>

#include "init/context.h"
#include "init/identity.h"
#include "plan_steps.h"
#include "sys/syscall.h"

namespace tsrun::step {
namespace {

long load_filter(const uint8_t* program, uint32_t size, uint32_t flags) noexcept {
  sock_fprog filter{};
  filter.len = static_cast<unsigned short>(size / sizeof(sock_filter));
  filter.filter = reinterpret_cast<sock_filter*>(const_cast<uint8_t*>(program));
  return ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &filter);
}

constexpr uint64_t kSysAdmin = uint64_t{1} << 21;

// Effective only for the one call that needs it.
Failure raise_reserved(const CapabilitySets& sets) noexcept {
  if (!sets.given || (sets.reserve & kSysAdmin) == 0) return kOk;
  return set_capabilities(sets.effective | sets.reserve, sets.permitted | sets.reserve,
                          sets.inheritable);
}

Failure drop_reserved(const CapabilitySets& sets) noexcept {
  if (!sets.given || sets.reserve == 0) return kOk;
  return set_capabilities(sets.effective, sets.permitted, sets.inheritable);
}

}  // namespace
}  // namespace tsrun::step

namespace tsrun {

Failure enter_filter(const Context& context) noexcept {
  const LateFilter& filter = context.filter;
  if (filter.program != nullptr) {
    if (Failure failure = step::raise_reserved(context.capabilities)) return failure;
    if (step::load_filter(filter.program, filter.size, filter.flags) < 0) return fail("seccomp");
  }
  return step::drop_reserved(context.capabilities);
}

}  // namespace tsrun

namespace tsrun::step {

// Loaded now, unless the plan leaves that to `exec`.
Failure run(const Seccomp& s, Context& context) noexcept {
  if (s.program.size == 0 || s.program.size % sizeof(sock_filter) != 0) return hostile_plan();
  if (s.late) {
    context.filter = {s.program.data, s.program.size, s.flags};
    return kOk;
  }
  if (Failure failure = raise_reserved(context.capabilities)) return failure;
  const uint32_t flags = s.flags | (s.listener ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0);
  const long result = load_filter(s.program.data, s.program.size, flags);
  if (result < 0) return fail("seccomp");
  if (Failure failure = drop_reserved(context.capabilities)) return failure;
  context.capabilities.reserve = 0;
  if (!s.listener) return kOk;
  const FrameHead head{FrameType::listener, context.step, 0, static_cast<uint32_t>(result)};
  if (!send_frame(context, head, "", "", "")) return fail("write");
  Failure failure = await_go(context);
  (void)::close(static_cast<int>(result));  // the parent has its own copy
  return failure;
}

// All descriptors left are close-on-exec; the parent takes the end of the sync socket for success.
Failure run(const Exec&, Context& context) noexcept {
  const auto& [path, argv, envp] = context.executable;
  if (argv == nullptr) return hostile_plan();
  if (Failure failure = enter_filter(context)) return failure;
  (void)::execve(path, argv, envp);
  return fail("execve", path);
}

}  // namespace tsrun::step
