// Compiles a syscall filter to BPF with libseccomp; see seccomp_program.h.
#include "launch/seccomp_program.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "sys/fd.h"

namespace tsrun::seccomp {
namespace {

using Program = std::vector<sock_filter>;
using Filter = std::unique_ptr<void, decltype(&::seccomp_release)>;

// From here on libseccomp's binary tree is smaller and faster than its list of comparisons; with no
// rules at all version 2.5.4 builds a wrong one.
constexpr size_t kRulesForTree = 32;
constexpr uint32_t kTree = 2;

constexpr uint32_t kX32Bit = 1U << 30;

bool fail(std::string& error, std::string what, int negative_errno) {
  error = std::move(what) + ": " + strerror(-negative_errno);
  return false;
}

// OCI says SCMP_ARCH_X86_64 where libseccomp says x86_64; 0 for one that it does not know.
uint32_t architecture_token(const std::string& oci_name) {
  constexpr char prefix[] = "SCMP_ARCH_";
  if (oci_name.rfind(prefix, 0) != 0) return 0;
  std::string name = oci_name.substr(sizeof prefix - 1);
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c; });
  return ::seccomp_arch_resolve_name(name.c_str());
}

// The architectures of the filter: the native one, which seccomp_init(3) adds, and the wanted ones.
bool add_architectures(const SeccompRequest& request, scmp_filter_ctx filter,
                       std::vector<uint32_t>& tokens, std::string& error) {
  tokens.push_back(::seccomp_arch_native());
  for (const std::string& name : request.architectures) {
    const uint32_t token = architecture_token(name);
    if (token == 0) {
      error = "libseccomp does not know the architecture " + name;
      return false;
    }
    if (std::find(tokens.begin(), tokens.end(), token) != tokens.end()) continue;
    if (int result = ::seccomp_arch_add(filter, token); result < 0)
      return fail(error, "cannot add architecture " + name, result);
    tokens.push_back(token);
  }
  return true;
}

bool add_rule(const SeccompRule& rule, scmp_filter_ctx filter, std::string& error) {
  std::vector<scmp_arg_cmp> comparisons;
  for (const SeccompCondition& condition : rule.conditions)
    comparisons.push_back({condition.index, static_cast<scmp_compare>(condition.op),
                           condition.value, condition.value_two});
  const auto count = static_cast<unsigned>(comparisons.size());
  for (const std::string& name : rule.names) {
    const int syscall = ::seccomp_syscall_resolve_name(name.c_str());
    if (syscall == __NR_SCMP_ERROR) continue;
    const int result =
        ::seccomp_rule_add_array(filter, rule.action, syscall, count, comparisons.data());
    if (result < 0) return fail(error, "cannot add a rule for " + name, result);
  }
  return true;
}

bool all_known(const SeccompRequest& request, std::string& error) {
  const auto known = [&](const std::string& name) {
    if (::seccomp_syscall_resolve_name(name.c_str()) != __NR_SCMP_ERROR) return true;
    error = "libseccomp does not know the system call " + name;
    return false;
  };
  for (const SeccompRule& rule : request.rules)
    if (!std::all_of(rule.names.begin(), rule.names.end(), known)) return false;
  return std::all_of(request.also_named.begin(), request.also_named.end(), known);
}

bool export_program(scmp_filter_ctx filter, Program& program, std::string& error) {
  Fd file{::memfd_create("seccomp", MFD_CLOEXEC)};
  if (!file) return fail(error, "memfd_create", -errno);
  if (int result = ::seccomp_export_bpf(filter, file.get()); result < 0)
    return fail(error, "cannot export the filter", result);
  struct stat info;
  if (::fstat(file.get(), &info) < 0) return fail(error, "fstat", -errno);
  program.resize(static_cast<size_t>(info.st_size) / sizeof(sock_filter));
  const ssize_t size = static_cast<ssize_t>(program.size() * sizeof(sock_filter));
  if (::pread(file.get(), program.data(), static_cast<size_t>(size), 0) != size)
    return fail(error, "pread", -EIO);
  return true;
}

// --- ENOSYS for syscalls that the profile's author cannot have known

// C libraries try new syscalls first and fall back when they fail with ENOSYS. A profile written before
// such a syscall existed would answer with its default errno, and the program would fail. So, in front
// of the filter: numbers above the newest syscall that the profile names fail with ENOSYS. Numbers
// are handed out in order, with few exceptions, so this is right for nearly all of them.
struct Newest {
  uint32_t architecture;  // AUDIT_ARCH_*, as seccomp_data has it
  int plain = -1;         // -1: the profile names no syscall of this ABI
  int x32 = -1;
};

int newest_named(const SeccompRequest& request, uint32_t token) {
  int newest = -1;
  const auto look = [&](const std::string& name) {
    newest = std::max(newest, ::seccomp_syscall_resolve_name_arch(token, name.c_str()));
  };
  for (const SeccompRule& rule : request.rules)
    std::for_each(rule.names.begin(), rule.names.end(), look);
  std::for_each(request.also_named.begin(), request.also_named.end(), look);
  return newest;
}

std::vector<Newest> newest_by_architecture(const SeccompRequest& request,
                                           const std::vector<uint32_t>& tokens) {
  std::vector<Newest> all;
  for (const uint32_t token : tokens) {
    // x32 has a token of libseccomp's own; the kernel tells it from x86_64 by a bit of the number.
    const uint32_t architecture = token == SCMP_ARCH_X32 ? SCMP_ARCH_X86_64 : token;
    auto entry = std::find_if(all.begin(), all.end(), [&](const Newest& newest) {
      return newest.architecture == architecture;
    });
    if (entry == all.end()) entry = all.insert(all.end(), Newest{architecture});
    (token == SCMP_ARCH_X32 ? entry->x32 : entry->plain) = newest_named(request, token);
  }
  return all;
}

constexpr uint16_t kLoad = BPF_LD | BPF_W | BPF_ABS;
constexpr uint16_t kReturn = BPF_RET | BPF_K;
constexpr uint16_t kGo = BPF_JMP | BPF_JA;
constexpr uint16_t kIfEqual = BPF_JMP | BPF_JEQ | BPF_K;
constexpr uint16_t kIfGreater = BPF_JMP | BPF_JGT | BPF_K;
constexpr uint16_t kIfBits = BPF_JMP | BPF_JSET | BPF_K;

sock_filter plain(uint16_t code, uint32_t k) { return {code, 0, 0, k}; }

// Each line of a block that tests ends at `enosys` or `filter`, which are the block's last two lines.
struct Test {
  uint16_t code;
  uint32_t k;
  enum class To { next, after_next, enosys, filter } yes, no;
};

std::vector<Test> tests_for(const Newest& newest) {
  using enum Test::To;
  const auto limit = [](int number) -> Test {
    // Without any named syscall of this ABI there is nothing to measure by.
    if (number < 0) return {kIfEqual, 0, filter, filter};
    return {kIfGreater, static_cast<uint32_t>(number), enosys, filter};
  };
  if (newest.architecture == SCMP_ARCH_X86_64) {
    // Without x32 in the profile its numbers are for the filter, which treats them as a foreign ABI.
    if (newest.x32 < 0) return {{kIfBits, kX32Bit, filter, next}, limit(newest.plain)};
    return {{kIfBits, kX32Bit, after_next, next}, limit(newest.plain), limit(newest.x32)};
  }
  // setup(2), number 0 there, is how s390 passes on a number that it does not know.
  if (newest.architecture == SCMP_ARCH_S390 || newest.architecture == SCMP_ARCH_S390X)
    return {{kIfEqual, 0, enosys, next}, limit(newest.plain)};
  return {limit(newest.plain)};
}

// jeq ARCH, else behind the block; ld NUMBER; tests; ret ENOSYS; ja FILTER.
Program architecture_block(const Newest& newest) {
  const std::vector<Test> tests = tests_for(newest);
  const size_t enosys_line = tests.size();
  Program block;
  block.push_back({kIfEqual, 0, static_cast<uint8_t>(tests.size() + 3), newest.architecture});
  block.push_back(plain(kLoad, offsetof(seccomp_data, nr)));
  for (size_t line = 0; line < tests.size(); line++) {
    const auto distance = [&](Test::To to) -> uint8_t {
      switch (to) {
        case Test::To::next:
          return 0;
        case Test::To::after_next:
          return 1;
        case Test::To::enosys:
          return static_cast<uint8_t>(enosys_line - line - 1);
        case Test::To::filter:
          return static_cast<uint8_t>(enosys_line - line);
      }
      return 0;
    };
    block.push_back(
        {tests[line].code, distance(tests[line].yes), distance(tests[line].no), tests[line].k});
  }
  block.push_back(plain(kReturn, SECCOMP_RET_ERRNO | ENOSYS));
  block.push_back(plain(kGo, 0));  // the distance is known when all blocks are
  return block;
}

Program enosys_prefix(const SeccompRequest& request, const std::vector<uint32_t>& tokens) {
  Program prefix{plain(kLoad, offsetof(seccomp_data, arch))};
  std::vector<size_t> jumps;
  for (const Newest& newest : newest_by_architecture(request, tokens)) {
    if (newest.plain < 0 && newest.x32 < 0) continue;
    const Program block = architecture_block(newest);
    prefix.insert(prefix.end(), block.begin(), block.end());
    jumps.push_back(prefix.size() - 1);
  }
  for (const size_t jump : jumps) prefix[jump].k = static_cast<uint32_t>(prefix.size() - jump - 1);
  return prefix;
}

}  // namespace

bool compile(const SeccompRequest& request, std::vector<uint8_t>& bpf, std::string& error) {
  const Filter filter{::seccomp_init(request.default_action), &::seccomp_release};
  if (!filter) {
    error = "libseccomp refuses the default action";
    return false;
  }
  std::vector<uint32_t> tokens;
  if (!add_architectures(request, filter.get(), tokens, error)) return false;
  size_t count = 0;
  for (const SeccompRule& rule : request.rules) count += rule.names.size();
  // Unknown to libseccomp before 2.5, which then keeps its list.
  if (count > kRulesForTree)
    (void)::seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_OPTIMIZE, kTree);
  if (request.fail_unknown && !all_known(request, error)) return false;
  for (const SeccompRule& rule : request.rules)
    if (!add_rule(rule, filter.get(), error)) return false;
  Program body;
  if (!export_program(filter.get(), body, error)) return false;
  Program program;
  if (request.enosys_for_newer) program = enosys_prefix(request, tokens);
  program.insert(program.end(), body.begin(), body.end());
  if (program.size() > BPF_MAXINSNS) {
    error = "the filter has " + std::to_string(program.size()) +
            " instructions, the kernel takes " + std::to_string(BPF_MAXINSNS);
    return false;
  }
  const auto* bytes = reinterpret_cast<const uint8_t*>(program.data());
  bpf.assign(bytes, bytes + program.size() * sizeof(sock_filter));
  return true;
}

std::string library_version() {
  const scmp_version* version = ::seccomp_version();
  return std::to_string(version->major) + "." + std::to_string(version->minor) + "." +
         std::to_string(version->micro);
}

}  // namespace tsrun::seccomp
