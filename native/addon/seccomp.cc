// Exports the seccomp compiler: a profile in, struct sock_filter[] out.
#include "addon/failure.h"
#include "addon_functions.h"
#include "launch/seccomp_program.h"

namespace tsrun {

std::vector<uint8_t> compile_seccomp(const SeccompRequest& request) {
  std::vector<uint8_t> program;
  std::string error;
  if (!seccomp::compile(request, program, error))
    throw RefusedProfile{"cannot compile the seccomp filter: " + error};
  return program;
}

std::string seccomp_version() { return seccomp::library_version(); }

}  // namespace tsrun
