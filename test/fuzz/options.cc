// Options and labels of a mount by mount(2) (init/mounts.cc), which has one page for all of them.
#include "../../native/init/mounts.cc"
#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tsrun;
  fuzz::Input input(data, size);
  const size_t capacity = 1 + input.byte();
  std::string page(capacity, '\0');
  const std::string before = input.text(), label = input.text();
  if (before.size() < capacity) memcpy(page.data(), before.c_str(), before.size() + 1);
  if (step::append_label({label.c_str(), static_cast<uint32_t>(label.size())}, page.data(),
                         capacity))
    fuzz::require(strlen(page.c_str()) >= label.size() + 2, "a label comes with its quotes");
  (void)step::configure(-1, {label.c_str(), static_cast<uint32_t>(label.size())});
  return 0;
}
