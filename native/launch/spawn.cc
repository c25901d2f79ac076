// Starts a helper program of the host.
#include "launch/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sys/fd.h"
#include "sys/keyring.h"

extern char** environ;

namespace tsrun {
namespace {

struct Shared {
  const char* path;
  const char* directory;
  char** args;
  char** environment;
  const int* descriptors;  // at numbers that none of them is to have
  int count;
  const char* const* binds;  // source and target by turns
  size_t bind_count;
  const char* keyring;  // null: the caller's
  pid_t caller;         // with which it ends; 0: it does not
  ChildFailure failure;
};

// Here they are gone with the program, however it ends, and nobody else sees them.
void bind_all(Shared& s) noexcept {
  if (s.bind_count == 0) return;
  if (unshare(CLONE_NEWNS) < 0) give_up(s.failure, "unshare", errno);
  if (mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) < 0)
    give_up(s.failure, "mount", errno);
  for (size_t i = 0; i < s.bind_count; i++)
    if (mount(s.binds[2 * i], s.binds[2 * i + 1], nullptr, MS_BIND | MS_REC, nullptr) < 0)
      give_up(s.failure, "mount", errno);
}

void become_program(void* argument) noexcept {
  Shared& s = *static_cast<Shared*>(argument);
  if (s.caller != 0) {
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) give_up(s.failure, "prctl", errno);
    // It may have ended before.
    if (getppid() != s.caller) _exit(1);
  }
  for (int i = 0; i < s.count; i++)
    if (dup2(s.descriptors[i], i) < 0) give_up(s.failure, "dup2", errno);
  // What the caller preserves for the container is no business of a helper.
  if (syscall(SYS_close_range, s.count, ~0U, 0) < 0) give_up(s.failure, "close_range", errno);
  bind_all(s);
  if (s.keyring != nullptr && join_session_keyring(s.keyring) < 0 && errno != ENOSYS &&
      errno != EPERM)
    give_up(s.failure, "keyctl", errno);
  if (chdir(s.directory) < 0) give_up(s.failure, "chdir", errno);
  sigset_t none;
  sigemptyset(&none);
  if (sigprocmask(SIG_SETMASK, &none, nullptr) < 0) give_up(s.failure, "sigprocmask", errno);
  (void)execve(s.path, s.args, s.environment);
  give_up(s.failure, "execve", errno);
}

}  // namespace

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> list;
  list.reserve(texts.size() + 1);
  for (const std::string& text : texts) list.push_back(const_cast<char*>(text.c_str()));
  list.push_back(nullptr);
  return list;
}

Child spawn(const SpawnRequest& request) {
  Child failed;
  std::vector<Fd> copies;
  std::vector<int> numbers;
  const int count = static_cast<int>(request.descriptors.size());
  for (const int fd : request.descriptors) {
    copies.emplace_back(fcntl(fd, F_DUPFD_CLOEXEC, count));
    if (!copies.back()) {
      failed.error = errno;
      failed.syscall = "fcntl";
      return failed;
    }
    numbers.push_back(copies.back().get());
  }
  std::vector<char*> args = pointers(request.args), environment;
  if (request.env) environment = pointers(*request.env);
  std::vector<const char*> binds;
  for (const auto& [source, target] : request.binds)
    binds.insert(binds.end(), {source.c_str(), target.c_str()});
  Shared shared{request.path.c_str(),
                request.cwd.c_str(),
                args.data(),
                request.env ? environment.data() : environ,
                numbers.data(),
                count,
                binds.data(),
                request.binds.size(),
                request.keyring ? request.keyring->c_str() : nullptr,
                request.ends_with_caller ? getpid() : 0,
                {}};
  return vfork_child(0, -1, become_program, &shared, shared.failure);
}

}  // namespace tsrun
