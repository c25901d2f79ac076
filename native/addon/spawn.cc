// Helper programs of the host: starting them; their end is seen by their pidfd.
#include "launch/spawn.h"

#include "addon/failure.h"
#include "addon_functions.h"

namespace tsrun {

// The pidfd of the started program.
int32_t spawn_program(const SpawnRequest& request) {
  const Child child = spawn(request);
  if (child.error == 0) return child.pidfd;
  const std::string call = child.syscall;
  throw_failure(child.syscall, child.error,
                call == "execve"  ? request.path
                : call == "chdir" ? request.cwd
                                  : "");
}

}  // namespace tsrun
