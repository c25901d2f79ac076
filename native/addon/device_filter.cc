// Device rules: from an array of numbers to the program of a cgroup.
#include "cgroup/device_filter.h"

#include <fcntl.h>

#include <cstring>
#include <string>

#include "addon/exports.h"
#include "addon/failure_js.h"
#include "sys/fd.h"

namespace tsrun {
namespace {

// Five numbers for each rule, in the order of DeviceRule.
std::vector<DeviceRule> rules_argument(const Napi::CallbackInfo& info, size_t index) {
  const Napi::Uint32Array words = info[index].As<Napi::Uint32Array>();
  constexpr size_t kWords = sizeof(DeviceRule) / sizeof(uint32_t);
  std::vector<DeviceRule> rules(words.ElementLength() / kWords);
  if (!rules.empty()) memcpy(rules.data(), words.Data(), rules.size() * sizeof(DeviceRule));
  return rules;
}

}  // namespace

void set_device_rules(const Napi::CallbackInfo& info) {
  const std::string directory = text_argument(info, 0);
  const Fd cgroup{open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!cgroup) throw_errno(info.Env(), "open", directory);
  const DeviceFilterResult result = set_device_filter(cgroup.get(), rules_argument(info, 1));
  if (result.error != 0) throw_failure(info.Env(), result.syscall, result.error, directory);
}

// The program that would be attached, for tests: struct bpf_insn[].
Napi::Value assemble_device_rules(const Napi::CallbackInfo& info) {
  const std::vector<bpf_insn> code = assemble_device_filter(rules_argument(info, 0));
  Napi::Uint8Array bytes = Napi::Uint8Array::New(info.Env(), code.size() * sizeof(bpf_insn));
  memcpy(bytes.Data(), code.data(), bytes.ByteLength());
  return bytes;
}

}  // namespace tsrun
