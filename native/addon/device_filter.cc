// Device rules: from the config's words to the program of a cgroup.
#include "cgroup/device_filter.h"

#include <fcntl.h>

#include "addon/failure.h"
#include "addon_functions.h"
#include "sys/fd.h"

namespace tsrun {
namespace {

uint32_t type_bits(DeviceType type) {
  return type == DeviceType::b   ? BPF_DEVCG_DEV_BLOCK
         : type == DeviceType::c ? BPF_DEVCG_DEV_CHAR
                                 : 0;
}

uint32_t access_bits(const std::string& letters) {
  uint32_t bits = 0;
  for (const char letter : letters)
    bits |= letter == 'r'   ? BPF_DEVCG_ACC_READ
            : letter == 'w' ? BPF_DEVCG_ACC_WRITE
            : letter == 'm' ? BPF_DEVCG_ACC_MKNOD
                            : 0;
  return bits;
}

std::vector<FilterRule> filter_rules(const std::vector<DeviceRule>& rules) {
  std::vector<FilterRule> list;
  list.reserve(rules.size());
  for (const DeviceRule& rule : rules)  // -1, every number, becomes kAnyDevice
    list.push_back({rule.allow, type_bits(rule.type), static_cast<uint32_t>(rule.major),
                    static_cast<uint32_t>(rule.minor), access_bits(rule.access)});
  return list;
}

}  // namespace

void set_device_rules(const std::string& directory, const std::vector<DeviceRule>& rules) {
  const Fd cgroup{open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!cgroup) throw_errno("open", directory);
  const DeviceFilterResult result = set_device_filter(cgroup.get(), filter_rules(rules));
  if (result.error != 0) throw_failure(result.syscall, result.error, directory);
}

// The program that would be attached, for tests: struct bpf_insn[].
std::vector<uint8_t> assemble_device_rules(const std::vector<DeviceRule>& rules) {
  const std::vector<bpf_insn> code = assemble_device_filter(filter_rules(rules));
  const auto* bytes = reinterpret_cast<const uint8_t*>(code.data());
  return {bytes, bytes + code.size() * sizeof(bpf_insn)};
}

}  // namespace tsrun
