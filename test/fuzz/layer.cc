// A layer of an image (image/unpack.cc, through gzip, zstd and libarchive): refused or unpacked, and nothing comes to be
// outside of its directory.
#include "../../native/image/entry.cc"
#include "../../native/image/layer_stream.cc"
#include "../../native/image/no_iconv.cc"
#include "../../native/image/remove_tree.cc"
#include "../../native/image/unpack.cc"
// Two files have a constant of this name, each for itself.
#define kBelow kBelowOfPlace
#include "../../native/image/place.cc"
#include "fuzz.h"

namespace {
std::string base;
}

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  base = fuzz::own_directory();
  (void)mkdir((base + "/canary").c_str(), 0700);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tsrun;
  const Fd above{open(base.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  fuzz::require(above && mkdirat(above.get(), "root", 0755) == 0, base.c_str());
  const Fd root{openat(above.get(), "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  try {
    (void)unpack({fuzz::file_of(data, size), root.get(), 4 << 20, 1000, false, size % 2 == 0});
  } catch (const RefusedImage&) {
  } catch (const SyscallFailure&) {
  }
  fuzz::require(unlinkat(above.get(), "canary", AT_REMOVEDIR) == 0, "the canary is as it was");
  (void)mkdirat(above.get(), "canary", 0700);
  remove_tree(above.get(), "root");
  return 0;
}
