// CPU lists such as `0-3,7` (cpuset(7)) as the bit mask of sched_setaffinity(2).
#pragma once
#include <stddef.h>
#include <stdint.h>

namespace tsrun {

struct CpuMask {
  static constexpr uint32_t kMaxCpus = 8192;  // CONFIG_NR_CPUS of the largest kernels
  uint8_t bits[kMaxCpus / 8] = {};

  void set_all() noexcept {
    for (uint8_t& byte : bits) byte = 0xff;
  }

  // False for what is not a list.
  bool parse(const char* text) noexcept {
    for (;;) {
      uint32_t first, last;
      if (!number(text, first)) return false;
      last = first;
      if (*text == '-' && !number(++text, last)) return false;
      if (last < first || last >= kMaxCpus) return false;
      for (uint32_t cpu = first; cpu <= last; cpu++)
        bits[cpu / 8] = static_cast<uint8_t>(bits[cpu / 8] | 1U << (cpu % 8));
      if (*text == 0) return true;
      if (*text++ != ',') return false;
    }
  }

 private:
  static bool number(const char*& text, uint32_t& value) noexcept {
    if (*text < '0' || *text > '9') return false;
    for (value = 0; *text >= '0' && *text <= '9'; text++) {
      value = value * 10 + static_cast<uint32_t>(*text - '0');
      if (value >= kMaxCpus) return false;
    }
    return true;
  }
};

}  // namespace tsrun
