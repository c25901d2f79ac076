// Lists of processes as a cgroup has them (cgroup/subtree.cc).
#include "../../native/cgroup/subtree.cc"
#include "fuzz.h"

namespace {
std::string base;
}

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  base = fuzz::own_directory();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tsrun;
  const std::string path = base + "/cgroup.procs";
  const Fd file{open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)};
  fuzz::require(write(file.get(), data, size) == static_cast<ssize_t>(size), "write");
  const SubtreeResult result = walk_subtree(base.c_str(), SubtreeWork::list);
  fuzz::require(result.error == 0 && result.pids.size() <= size, "no more processes than bytes");
  return 0;
}
