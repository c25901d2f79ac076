// Steps that give up privileges: bounding set, user and groups, capability sets.
#include "init/identity.h"

#include <grp.h>
#include <sys/prctl.h>

#include "init/context.h"
#include "plan_steps.h"
#include "sys/syscall.h"

namespace tsrun {
namespace {

constexpr uint32_t kMaxGroups = 65536;  // NGROUPS_MAX

uint32_t half(uint64_t set, int index) noexcept {
  return static_cast<uint32_t>(set >> (32 * index));
}

}  // namespace

Failure set_capabilities(uint64_t effective, uint64_t permitted, uint64_t inheritable) noexcept {
  sys::CapabilityHeader header;
  sys::CapabilityHalf data[2];
  for (int i = 0; i < 2; i++)
    data[i] = {half(effective, i), half(permitted, i), half(inheritable, i)};
  return ::syscall(SYS_capset, &header, data) < 0 ? fail("capset") : kOk;
}

Failure set_ambient(uint64_t ambient) noexcept {
  if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
    return fail("prctl(PR_CAP_AMBIENT_CLEAR_ALL)");
  for (unsigned long bit = 0; bit < 64 && ambient >> bit != 0; bit++)
    if ((ambient >> bit & 1) != 0 && ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, bit, 0, 0) < 0)
      return fail("prctl(PR_CAP_AMBIENT_RAISE)");
  return kOk;
}

namespace step {

// EINVAL marks the first capability that this kernel does not know.
Failure run(const BoundingSet& s, Context&) noexcept {
  for (unsigned long bit = 0; bit < 64; bit++) {
    if (s.keep >> bit & 1) continue;
    if (::prctl(PR_CAPBSET_DROP, bit, 0, 0, 0) == 0) continue;
    if (errno == EINVAL) break;
    return fail("prctl(PR_CAPBSET_DROP)");
  }
  return kOk;
}

Failure run(const User& s, Context&) noexcept {
  static uint32_t groups[kMaxGroups];
  if (s.groups.count > kMaxGroups) return refuse(EINVAL, "setgroups", "", "too many groups");
  for (uint32_t i = 0; i < s.groups.count; i++) groups[i] = s.groups[i];
  if (s.keep_capabilities && ::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
    return fail("prctl(PR_SET_KEEPCAPS)");
  // A user namespace may deny setgroups(2); without groups to set there is nothing to lose.
  if (s.set_groups && ::syscall(SYS_setgroups, s.groups.count, groups) < 0 &&
      (errno != EPERM || s.groups.count > 0))
    return fail("setgroups", "",
                errno == EPERM ? "the user namespace denies additional groups" : "");
  if (::syscall(SYS_setresgid, s.gid, s.gid, s.gid) < 0) return fail("setresgid");
  if (::syscall(SYS_setresuid, s.uid, s.uid, s.uid) < 0) return fail("setresuid");
  if (s.keep_capabilities && ::prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) < 0)
    return fail("prctl(PR_SET_KEEPCAPS)");
  // A change of ids sets this to fs.suid_dumpable, which need not be 0 (CVE-2016-9962).
  (void)::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  return kOk;
}

// What is needed to load the seccomp filter stays permitted, not effective, until `exec` is done
// with it; so the search for the program sees just the rights that the program will have.
Failure run(const Capabilities& s, Context& context) noexcept {
  CapabilitySets& sets = context.capabilities;
  sets.effective = s.effective;
  sets.permitted = s.permitted;
  sets.inheritable = s.inheritable;
  sets.ambient = s.ambient;
  sets.reserve = s.reserve & ~s.effective;
  sets.given = true;
  if (Failure failure = set_capabilities(s.effective, s.permitted | s.reserve, s.inheritable))
    return failure;
  return set_ambient(s.ambient);
}

}  // namespace step
}  // namespace tsrun
