// CPU lists (sys/cpu_mask.h): what is taken has a CPU in it.
#include "fuzz.h"
#include "sys/cpu_mask.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  tsrun::CpuMask mask;
  if (!mask.parse(text.c_str())) return 0;
  bool any = false;
  for (const uint8_t byte : mask.bits) any |= byte != 0;
  fuzz::require(any, "a list names a CPU");
  return 0;
}
