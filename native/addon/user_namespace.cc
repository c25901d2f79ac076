// Puts this very process into a user and a mount namespace of its own, where it is root.
#include <fcntl.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "addon/failure.h"
#include "addon_functions.h"
#include "launch/spawn.h"
#include "sys/fd.h"

namespace tsrun {
namespace {

// What waitpid(2) says of a child.
int status_of(pid_t child) {
  int status = -1;
  pid_t waited;
  do waited = waitpid(child, &status, 0);
  while (waited < 0 && errno == EINTR);
  return waited < 0 ? -1 : status;
}

// In the child, which is outside of the new namespace: runs both programs when the parent is inside.
[[noreturn]] void write_maps(int go, char* const* uid, char* const* gid) {
  char byte;
  if (read(go, &byte, 1) != 1) _exit(1);
  for (char* const* args : {gid, uid}) {
    const pid_t program = fork();
    if (program == 0) {
      (void)execv(args[0], args);
      _exit(127);
    }
    if (program < 0 || status_of(program) != 0) _exit(1);
  }
  _exit(0);
}

}  // namespace

// `uid_map`, `gid_map`: newuidmap(1) and newgidmap(1) with their arguments but the pid, which becomes the second.
// EINVAL in a process of several threads (unshare(2)).
void enter_user_namespace(const std::vector<std::string>& uid_map,
                          const std::vector<std::string>& gid_map) {
  const std::string self = std::to_string(getpid());
  std::vector<std::string> uid = uid_map, gid = gid_map;
  uid.insert(uid.begin() + 1, self);
  gid.insert(gid.begin() + 1, self);
  const std::vector<char*> uid_args = pointers(uid), gid_args = pointers(gid);
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) < 0) throw_errno("pipe2");
  Fd go{ends[0]}, start{ends[1]};
  const pid_t child = fork();
  if (child < 0) throw_errno("fork");
  if (child == 0) {
    start.reset();
    write_maps(go.get(), uid_args.data(), gid_args.data());
  }
  const bool entered = unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0;
  const int error = errno;
  if (entered) (void)!write(start.get(), "g", 1);
  start.reset();
  const int status = status_of(child);
  if (!entered) throw_failure("unshare", error);
  if (status != 0) throw_failure("newuidmap", EPERM);
}

}  // namespace tsrun
