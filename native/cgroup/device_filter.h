// Device rules of a container as an eBPF program of its cgroup (cgroup v2, BPF_PROG_TYPE_CGROUP_DEVICE).
#pragma once
#include <linux/bpf.h>
#include <stdint.h>

#include <span>
#include <vector>

namespace tsrun {

inline constexpr uint32_t kAnyDevice = UINT32_MAX;

// One rule; rules stand in the order of the config, and the last one that matches decides.
struct FilterRule {
  uint32_t allow;   // 0: deny
  uint32_t type;    // BPF_DEVCG_DEV_BLOCK, BPF_DEVCG_DEV_CHAR, or 0: both
  uint32_t major;   // or kAnyDevice
  uint32_t minor;   // or kAnyDevice
  uint32_t access;  // BPF_DEVCG_ACC_*
};

// Each kind of access that is asked for is decided by the last rule that has it and the device; the
// program returns 1 when all of them are allowed. What no rule mentions is denied.
std::vector<bpf_insn> assemble_device_filter(std::span<const FilterRule> rules);

struct DeviceFilterResult {
  int error = 0;  // errno, 0: the filter is in force
  const char* syscall = nullptr;
};

// Attaches the rules to a cgroup2 directory, in the place of those that were attached before by this
// function: at no moment is there no filter. Programs of others stay, and must allow as well.
DeviceFilterResult set_device_filter(int cgroup, std::span<const FilterRule> rules);

}  // namespace tsrun
