// Device rules as eBPF: a small assembler, and the attachment to a cgroup.
#include "cgroup/device_filter.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>
#include <string_view>
#include <utility>

#include "sys/fd.h"

namespace tsrun {
namespace {

constexpr uint32_t kAllAccess = BPF_DEVCG_ACC_MKNOD | BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE;

// By its name a program is known as ours when it is to be replaced.
constexpr std::string_view kProgramName = "tsrun_devices";

// Jumps have 16 bits, and a rule takes up to nine instructions.
constexpr size_t kMostInstructions = 32000;

enum Register : uint8_t { kResult, kContext, kType, kPending, kMajor, kMinor, kNumber };

// Both numbers in 32 bits, as in the kernel's dev_t (linux/kdev_t.h).
constexpr uint32_t kMinorBits = 20;

// Places of jumps whose target is not there yet.
using Jumps = std::vector<size_t>;

class Assembler {
 public:
  void load(Register to, int offset) {
    add(BPF_LDX | BPF_MEM | BPF_W, to, kContext, static_cast<int16_t>(offset), 0);
  }
  void alu(uint8_t operation, Register to, uint32_t value) {
    add(static_cast<uint8_t>(BPF_ALU | operation | BPF_K), to, 0, 0, value);
  }
  void alu_with(uint8_t operation, Register to, Register from) {
    add(static_cast<uint8_t>(BPF_ALU | operation | BPF_X), to, from, 0, 0);
  }
  void move(Register to, Register from) { add(BPF_ALU | BPF_MOV | BPF_X, to, from, 0, 0); }

  // A conditional jump to where `land` is called with the same list.
  void jump(uint8_t condition, Register left, uint32_t right, Jumps& list) {
    list.push_back(code_.size());
    add(static_cast<uint8_t>(BPF_JMP32 | condition | BPF_K), left, 0, 0, right);
  }
  void jump(Jumps& list) {
    list.push_back(code_.size());
    add(BPF_JMP | BPF_JA, 0, 0, 0, 0);
  }
  void land(Jumps& list) {
    for (const size_t at : list) code_[at].off = static_cast<int16_t>(code_.size() - at - 1);
    list.clear();
  }

  void finish(bool allowed) {
    alu(BPF_MOV, kResult, allowed ? 1 : 0);
    add(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
  }
  std::vector<bpf_insn> take() { return std::move(code_); }

 private:
  void add(uint8_t code, uint8_t to, uint8_t from, int16_t offset, uint32_t value) {
    bpf_insn instruction{};
    instruction.code = code;
    instruction.dst_reg = to & 0xf;
    instruction.src_reg = from & 0xf;
    instruction.off = offset;
    instruction.imm = static_cast<int32_t>(value);
    code_.push_back(instruction);
  }

  std::vector<bpf_insn> code_;
};

bool decides_all(const FilterRule& rule) {
  return rule.type == 0 && rule.major == kAnyDevice && rule.minor == kAnyDevice &&
         (rule.access & kAllAccess) == kAllAccess;
}

void load_numbers(Assembler& out) {
  out.load(kMajor, offsetof(bpf_cgroup_dev_ctx, major));
  out.load(kMinor, offsetof(bpf_cgroup_dev_ctx, minor));
  out.move(kNumber, kMajor);
  out.alu(BPF_LSH, kNumber, kMinorBits);
  out.alu_with(BPF_OR, kNumber, kMinor);
}

struct Comparison {
  Register left;
  uint32_t right;
};

// How a device is known as the rule's: at most one comparison, none for every device.
bool compare_numbers(const FilterRule& rule, Comparison& comparison) {
  if (rule.major == kAnyDevice && rule.minor == kAnyDevice) return false;
  if (rule.major == kAnyDevice) {
    comparison = {kMinor, rule.minor};
  } else if (rule.minor == kAnyDevice) {
    comparison = {kMajor, rule.major};
  } else {
    comparison = {kNumber, rule.major << kMinorBits | rule.minor};
  }
  return true;
}

// True when no device of the rule's type comes past it. Else goes on with the next rule unless this one settles what is still pending. Every branch costs the
// verifier microseconds at each start of a container, so there are as few as can be.
bool assemble_rule(Assembler& out, const FilterRule& rule, Jumps& allowed, Jumps& denied) {
  Jumps& verdict = rule.allow ? allowed : denied;
  Comparison numbers{};
  const bool compared = compare_numbers(rule, numbers);
  if ((rule.access & kAllAccess) == kAllAccess) {
    if (compared)
      out.jump(BPF_JEQ, numbers.left, numbers.right, verdict);
    else
      out.jump(verdict);
    return !compared;
  }
  Jumps next;
  if (compared) out.jump(BPF_JNE, numbers.left, numbers.right, next);
  if (rule.allow) {
    out.alu(BPF_AND, kPending, ~rule.access);
    out.jump(BPF_JEQ, kPending, 0, verdict);
  } else {
    out.jump(BPF_JSET, kPending, rule.access, verdict);
  }
  // Read again, so that the verifier forgets that the numbers are known here: it would follow the rest
  // of the program once for each such rule, which takes it seconds for a thousand of them.
  if (compared) load_numbers(out);
  out.land(next);
  return false;
}

long bpf(int command, bpf_attr& attributes) {
  return syscall(SYS_bpf, command, &attributes, sizeof attributes);
}

uint64_t address(const void* pointer) { return reinterpret_cast<uintptr_t>(pointer); }

int load(const std::vector<bpf_insn>& code) {
  bpf_attr attributes;
  memset(&attributes, 0, sizeof attributes);
  attributes.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
  attributes.insns = address(code.data());
  attributes.insn_cnt = static_cast<uint32_t>(code.size());
  attributes.license = address("Apache-2.0");
  memcpy(attributes.prog_name, kProgramName.data(), kProgramName.size());
  long fd;
  // EAGAIN: the verifier was interrupted by a signal.
  do fd = bpf(BPF_PROG_LOAD, attributes);
  while (fd < 0 && errno == EAGAIN);
  return static_cast<int>(fd);
}

bool is_ours(int program) {
  bpf_prog_info info;
  memset(&info, 0, sizeof info);
  bpf_attr attributes;
  memset(&attributes, 0, sizeof attributes);
  attributes.info.bpf_fd = static_cast<uint32_t>(program);
  attributes.info.info_len = sizeof info;
  attributes.info.info = address(&info);
  return bpf(BPF_OBJ_GET_INFO_BY_FD, attributes) == 0 && kProgramName == info.name;
}

// The program that an earlier call has attached to this cgroup itself, or none.
Fd find_attached(int cgroup) {
  uint32_t ids[64];
  bpf_attr attributes;
  memset(&attributes, 0, sizeof attributes);
  attributes.query.target_fd = static_cast<uint32_t>(cgroup);
  attributes.query.attach_type = BPF_CGROUP_DEVICE;
  attributes.query.prog_ids = address(ids);
  attributes.query.prog_cnt = 64;
  if (bpf(BPF_PROG_QUERY, attributes) < 0) return Fd{};
  const uint32_t count = attributes.query.prog_cnt;
  for (uint32_t i = 0; i < count && i < 64; i++) {
    memset(&attributes, 0, sizeof attributes);
    attributes.prog_id = ids[i];
    Fd program{static_cast<int>(bpf(BPF_PROG_GET_FD_BY_ID, attributes))};
    if (program && is_ours(program.get())) return program;
  }
  return Fd{};
}

}  // namespace

std::vector<bpf_insn> assemble_device_filter(std::span<const FilterRule> rules) {
  Assembler out;
  Jumps allowed, denied, other_type;
  out.load(kType, offsetof(bpf_cgroup_dev_ctx, access_type));
  out.move(kPending, kType);
  out.alu(BPF_AND, kType, 0xffff);
  out.alu(BPF_RSH, kPending, 16);
  load_numbers(out);
  bool otherwise = false;
  uint32_t type = 0;
  bool settled = false;  // nothing of this type comes past here
  for (size_t i = rules.size(); i-- > 0;) {
    const FilterRule& rule = rules[i];
    // What stands before such a rule has no effect; the kernel rejects instructions out of reach.
    if (decides_all(rule)) {
      otherwise = rule.allow != 0;
      break;
    }
    if (settled && rule.type == type) continue;
    settled = false;
    // Neighbours for the same type share its test.
    if (rule.type != type) {
      out.land(other_type);
      if (rule.type != 0) out.jump(BPF_JNE, kType, rule.type, other_type);
      type = rule.type;
    }
    settled = assemble_rule(out, rule, allowed, denied);
  }
  out.land(other_type);
  out.finish(otherwise);
  for (auto* list : {&allowed, &denied}) {
    if (list->empty()) continue;
    out.land(*list);
    out.finish(list == &allowed);
  }
  return out.take();
}

DeviceFilterResult set_device_filter(int cgroup, std::span<const FilterRule> rules) {
  // Programs are immutable, so one is good for every container with the same rules.
  static std::vector<FilterRule> last_rules;
  static Fd last_program;
  const size_t size = rules.size() * sizeof(FilterRule);
  if (!last_program || last_rules.size() != rules.size() ||
      memcmp(last_rules.data(), rules.data(), size) != 0) {
    const std::vector<bpf_insn> code = assemble_device_filter(rules);
    if (code.size() > kMostInstructions) return {E2BIG, "bpf(BPF_PROG_LOAD)"};
    Fd program{load(code)};
    if (!program) return {errno, "bpf(BPF_PROG_LOAD)"};
    last_program = std::move(program);
    last_rules.assign(rules.begin(), rules.end());
  }
  const Fd before = find_attached(cgroup);
  bpf_attr attributes;
  memset(&attributes, 0, sizeof attributes);
  attributes.target_fd = static_cast<uint32_t>(cgroup);
  attributes.attach_bpf_fd = static_cast<uint32_t>(last_program.get());
  attributes.attach_type = BPF_CGROUP_DEVICE;
  attributes.attach_flags = BPF_F_ALLOW_MULTI;
  if (before) {
    attributes.attach_flags |= BPF_F_REPLACE;
    attributes.replace_bpf_fd = static_cast<uint32_t>(before.get());
  }
  if (bpf(BPF_PROG_ATTACH, attributes) < 0) return {errno, "bpf(BPF_PROG_ATTACH)"};
  return {};
}

}  // namespace tsrun
