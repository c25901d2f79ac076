// Lines of /proc/self/mountinfo, whose kernel mounts --no-pivot detaches (init/rootfs.cc): any text is taken.
#include <sys/syscall.h>
#undef SYS_umount2
#define SYS_umount2 SYS_getppid  // nothing is to be detached here
#include "../../native/init/rootfs.cc"
#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string line(reinterpret_cast<const char*>(data), size);
  line.resize(strlen(line.c_str()));
  std::string copy = line;
  (void)tsrun::step::hide_kernel_mount(copy.data(), "/own root");
  return 0;
}
