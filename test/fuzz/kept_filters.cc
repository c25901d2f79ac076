// Entries of the cache of compiled filters (addon/kept_filters.cc): an entry is what was written, or none.
#include "../../native/addon/kept_filters.cc"

#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tsrun;
  const size_t length = size > 0 ? data[0] % 16 : 0;
  if (size < 1 + length) return 0;
  const std::string key(reinterpret_cast<const char*>(data + 1), length);
  static const std::string path = "/dev/shm/tsrun-fuzz-kept-" + std::to_string(getpid());
  const Fd file{open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)};
  fuzz::require(write(file.get(), data + 1 + length, size - 1 - length) >= 0, "write");
  const auto entry = read_entry(path, key);
  (void)unlink(path.c_str());
  fuzz::require(entry.empty() || entry.size() + kHashSize + key.size() + 1 == size - 1 - length,
                "an entry is all of its file");
  return 0;
}
