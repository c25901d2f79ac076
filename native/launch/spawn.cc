// Starts a helper program of the host.
#include "launch/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sys/fd.h"

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
  ChildFailure failure;
};

void become_program(void* argument) noexcept {
  Shared& s = *static_cast<Shared*>(argument);
  for (int i = 0; i < s.count; i++)
    if (dup2(s.descriptors[i], i) < 0) give_up(s.failure, "dup2", errno);
  // What the caller preserves for the container is no business of a helper.
  if (syscall(SYS_close_range, s.count, ~0U, 0) < 0) give_up(s.failure, "close_range", errno);
  if (chdir(s.directory) < 0) give_up(s.failure, "chdir", errno);
  sigset_t none;
  sigemptyset(&none);
  if (sigprocmask(SIG_SETMASK, &none, nullptr) < 0) give_up(s.failure, "sigprocmask", errno);
  (void)execve(s.path, s.args, s.environment);
  give_up(s.failure, "execve", errno);
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> list;
  for (const std::string& text : texts) list.push_back(const_cast<char*>(text.c_str()));
  list.push_back(nullptr);
  return list;
}

}  // namespace

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
  Shared shared{request.path.c_str(),
                request.cwd.c_str(),
                args.data(),
                request.env ? environment.data() : environ,
                numbers.data(),
                count,
                {}};
  return vfork_child(0, -1, become_program, &shared, shared.failure);
}

}  // namespace tsrun
