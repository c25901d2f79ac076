// The seccomp compiler: a profile in, struct sock_filter[] out.
#include <string>
#include <vector>

#include "addon/failure.h"
#include "addon/kept_filters.h"
#include "addon_functions.h"
#include "launch/seccomp_program.h"

namespace tsrun {
namespace {

// The whole request, and what compiles it: texts with their lengths, so that no two requests have the same key.
std::string key_of(const SeccompRequest& request) {
  std::string key = "libseccomp " + seccomp::library_version();
  const auto number = [&](uint64_t value) { key.append(" ").append(std::to_string(value)); };
  const auto texts = [&](const std::vector<std::string>& list) {
    number(list.size());
    for (const std::string& text : list) {
      number(text.size());
      key.append(":").append(text);
    }
  };
  number(request.default_action);
  texts(request.architectures);
  number(request.enosys_for_newer);
  number(request.fail_unknown);
  number(request.rules.size());
  for (const SeccompRule& rule : request.rules) {
    texts(rule.names);
    number(rule.action);
    number(rule.conditions.size());
    for (const SeccompCondition& condition : rule.conditions)
      for (const uint64_t value : {uint64_t{condition.index}, uint64_t{condition.op},
                                   condition.value, condition.value_two})
        number(value);
  }
  texts(request.also_named);
  return key;
}

std::vector<uint8_t> compile(const SeccompRequest& request) {
  std::vector<uint8_t> program;
  std::string error;
  if (!seccomp::compile(request, program, error))
    throw RefusedProfile{"cannot compile the seccomp filter: " + error};
  return program;
}

}  // namespace

// `cache` is a directory, or empty for none.
std::vector<uint8_t> compile_seccomp(const SeccompRequest& request, const std::string& cache) {
  if (cache.empty()) return compile(request);
  const std::string key = key_of(request);
  if (std::vector<uint8_t> found = find_filter(cache, key); !found.empty()) return found;
  std::vector<uint8_t> program = compile(request);
  keep_filter(cache, key, program);
  return program;
}

std::string seccomp_version() { return seccomp::library_version(); }

}  // namespace tsrun
