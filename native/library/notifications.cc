// System calls that wait for an answer of JavaScript (seccomp_unotify(2)).
#include <fcntl.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <poll.h>
#include <seccomp.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <thread>
#include <vector>

#include "addon/failure.h"
#include "addon_functions.h"
#include "sys/fd.h"
#include "sys/syscall.h"

namespace tsrun {
namespace {

constexpr uint32_t kMostAtOnce = 1 << 20;
constexpr int kX32Bit = 0x40000000;

std::string name_of(const seccomp_data& data) {
  uint32_t architecture = data.arch;
  // x32 has the architecture of x86-64 (seccomp(2)).
  if (architecture == SCMP_ARCH_X86_64 && (data.nr & kX32Bit) != 0) architecture = SCMP_ARCH_X32;
  const std::unique_ptr<char, decltype(&free)> name{
      seccomp_syscall_resolve_num_arch(architecture, data.nr), &free};
  return name ? name.get() : "";
}

// As long as its call waits, a process keeps its number: what was read by the number before this is of that process.
void assert_waits(int listener, uint64_t id) {
  if (ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) < 0)
    throw_errno("ioctl(SECCOMP_IOCTL_NOTIF_ID_VALID)");
}

// A notification has the number of a thread; a pidfd takes that of its process.
pid_t process_of(pid_t thread) {
  std::ifstream status("/proc/" + std::to_string(thread) + "/status");
  std::string word;
  pid_t process = 0;
  while (status >> word)
    if (word == "Tgid:" && status >> process) return process;
  throw_failure("open", ESRCH, "/proc/" + std::to_string(thread) + "/status");
}

}  // namespace

// The next call that waits, without blocking; nothing when it has gone meanwhile. ENOTCONN: nobody has the filter any more.
std::optional<Notification> receive_notification(int32_t listener) {
  pollfd ready{listener, POLLIN, 0};
  if (poll(&ready, 1, 0) < 0) throw_errno("poll");
  if ((ready.revents & POLLIN) == 0) {
    if ((ready.revents & (POLLHUP | POLLERR)) != 0) throw_failure("poll", ENOTCONN);
    return std::nullopt;
  }
  seccomp_notif request;
  memset(&request, 0, sizeof request);
  if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &request) < 0) {
    if (errno == ENOENT || errno == EINTR) return std::nullopt;
    throw_errno("ioctl(SECCOMP_IOCTL_NOTIF_RECV)");
  }
  const auto& args = request.data.args;
  return Notification{request.id,
                      static_cast<int32_t>(request.pid),
                      name_of(request.data),
                      args[0],
                      args[1],
                      args[2],
                      args[3],
                      args[4],
                      args[5]};
}

// Memory of the process whose call waits; less where it ends before. EFAULT: there is none, ENOENT: it waits no more.
std::vector<uint8_t> read_notified(int32_t listener, uint64_t id, int32_t pid, uint64_t address,
                                   uint32_t size) {
  std::vector<uint8_t> bytes(std::min(size, kMostAtOnce));
  const iovec local{bytes.data(), bytes.size()};
  const iovec remote{reinterpret_cast<void*>(address), bytes.size()};
  const ssize_t got = process_vm_readv(pid, &local, 1, &remote, 1, 0);
  const int error = errno;
  assert_waits(listener, id);
  if (got < 0) throw_failure("process_vm_readv", error);
  bytes.resize(static_cast<size_t>(got));
  return bytes;
}

// False when the call waits no more.
bool answer_notification(int32_t listener, uint64_t id, double value, int32_t error, bool pass) {
  seccomp_notif_resp response;
  memset(&response, 0, sizeof response);
  response.id = id;
  response.val = error == 0 ? static_cast<int64_t>(value) : 0;
  response.error = -error;
  response.flags = pass ? SECCOMP_USER_NOTIF_FLAG_CONTINUE : 0;
  if (ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response) == 0) return true;
  if (errno == ENOENT) return false;
  throw_errno("ioctl(SECCOMP_IOCTL_NOTIF_SEND)");
}

// The number that a copy of a descriptor has got in the process whose call waits, -1 when it waits no more. `at`: the
// number that it is to have, or -1; `answer`: the number is the result of the call.
int32_t give_descriptor(int32_t listener, uint64_t id, int32_t fd, int32_t at, bool close_on_exec,
                        bool answer) {
  seccomp_notif_addfd request;
  memset(&request, 0, sizeof request);
  request.id = id;
  request.srcfd = static_cast<uint32_t>(fd);
  request.newfd_flags = close_on_exec ? O_CLOEXEC : 0;
  if (at >= 0) {
    request.flags |= SECCOMP_ADDFD_FLAG_SETFD;
    request.newfd = static_cast<uint32_t>(at);
  }
  if (answer) request.flags |= SECCOMP_ADDFD_FLAG_SEND;
  const int number = ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &request);
  if (number < 0 && errno != ENOENT) throw_errno("ioctl(SECCOMP_IOCTL_NOTIF_ADDFD)");
  return number;
}

// connect(2) of a socket of the process whose call waits, in a thread, since it may take minutes. An eventfd becomes
// readable then, with 1 + errno. Only for addresses of the internet: a path would be looked up in the caller's root.
int32_t connect_notified(int32_t listener, uint64_t id, int32_t pid, int32_t fd,
                         std::span<const uint8_t> address) {
  sa_family_t family = AF_UNSPEC;
  if (address.size() >= sizeof family) memcpy(&family, address.data(), sizeof family);
  if (family != AF_INET && family != AF_INET6) throw_failure("connect", EAFNOSUPPORT);
  const Fd process{sys::pidfd_open(process_of(pid))};
  if (!process) throw_errno("pidfd_open");
  Fd socket{sys::pidfd_getfd(process.get(), fd)};
  const int error = errno;
  assert_waits(listener, id);
  if (!socket) throw_failure("pidfd_getfd", error);
  Fd notice{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  Fd copy{notice ? fcntl(notice.get(), F_DUPFD_CLOEXEC, 3) : -1};
  if (!copy) throw_errno("eventfd");
  std::thread([bytes = std::vector<uint8_t>(address.begin(), address.end()), own = socket.release(),
               done = copy.release()] {
    const int failed = connect(own, reinterpret_cast<const sockaddr*>(bytes.data()),
                               static_cast<socklen_t>(bytes.size()));
    (void)eventfd_write(done, failed < 0 ? 1 + static_cast<eventfd_t>(errno) : 1);
    (void)close(done);
    (void)close(own);
  }).detach();
  return notice.release();
}

// A file of pressure stall information with a trigger of its own; POLLPRI tells that it has been met (psi.rst).
int32_t open_pressure(const std::string& path, const std::string& trigger) {
  Fd file{open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC)};
  if (!file) throw_errno("open", path);
  if (write(file.get(), trigger.c_str(), trigger.size() + 1) < 0) throw_errno("write", path);
  return file.release();
}

}  // namespace tsrun
