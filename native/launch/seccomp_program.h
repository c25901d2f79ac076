// Compiles a syscall filter to BPF with libseccomp. Host side only: nothing of it is in tsrun-init.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace tsrun::seccomp {

// A comparison of one argument: `op` is enum scmp_compare, `value_two` is used by SCMP_CMP_MASKED_EQ.
struct Condition {
  uint32_t index;
  uint32_t op;
  uint64_t value;
  uint64_t value_two;
};

// An action for some syscalls, when all conditions hold (at most one for each argument).
struct Rule {
  uint32_t action;
  std::vector<std::string> names;
  std::vector<Condition> conditions;
};

// SeccompRequest of src/plan/seccomp.ts.
struct Request {
  uint32_t default_action;
  bool enosys_for_newer;
  bool fail_unknown;
  std::vector<std::string> architectures;
  std::vector<Rule> rules;
  std::vector<std::string> also_named;
};

// Writes struct sock_filter[] to `bpf`; false with the reason in `error`. Names that libseccomp does
// not know are skipped unless `fail_unknown` is set, since profiles name the syscalls of many kernels.
bool compile(const Request& request, std::vector<uint8_t>& bpf, std::string& error);

// major.minor.micro of libseccomp.
std::string library_version();

}  // namespace tsrun::seccomp
