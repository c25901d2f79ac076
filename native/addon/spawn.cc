// Helper programs of the host: starting them; their end is seen by their pidfd.
#include "launch/spawn.h"

#include <sys/socket.h>

#include <cerrno>

#include "addon/failure.h"
#include "addon_functions.h"
#include "sys/fd.h"

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

// The program gets its end as the first descriptor behind those of the request.
Service spawn_service(const SpawnRequest& request) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) throw_errno("socketpair");
  Fd ours{ends[0]}, theirs{ends[1]};
  SpawnRequest with = request;
  with.descriptors.push_back(theirs.get());
  const int32_t pidfd = spawn_program(with);
  return {pidfd, ours.release()};
}

}  // namespace tsrun
