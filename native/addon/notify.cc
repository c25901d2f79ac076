// sd_notify(3): hands the READY of a container on to the service manager of the runtime.
#include "addon/notify.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string_view>

#include "addon/failure.h"
#include "addon/unix_address.h"
#include "addon_functions.h"
#include "sys/fd.h"
#include "sys/message.h"

namespace tsrun {
namespace {

constexpr int kBarrierTimeout = 30'000;  // milliseconds, as runc

// `@name` is an abstract address.
bool connect_to(const std::string& host, Fd& socket_fd) {
  socket_fd.reset(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  Fd dir;
  if (!socket_fd || !fill_address(host, address, dir)) return false;
  socklen_t size = sizeof address;
  if (host[0] == '@') {
    address.sun_path[0] = 0;
    size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + host.size());
  }
  return connect(socket_fd.get(), reinterpret_cast<sockaddr*>(&address), size) == 0;
}

bool send_text(int fd, std::string_view text) {
  return send(fd, text.data(), text.size(), MSG_NOSIGNAL) >= 0;
}

// The manager closes the pipe when it has worked on all that came before (sd_notify_barrier(3)).
bool barrier(int fd) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) < 0) return false;
  const Fd read_end{ends[0]};
  Fd write_end{ends[1]};
  constexpr std::string_view text = "BARRIER=1";
  if (!send_message(fd, text.data(), text.size(), write_end.get())) return false;
  write_end.reset();
  pollfd watched{read_end.get(), POLLIN, 0};
  int result;
  do result = poll(&watched, 1, kBarrierTimeout);
  while (result < 0 && errno == EINTR);
  return result > 0;
}

// The line of a message that begins with READY=; everything else a container says stays here.
std::string_view ready_line(std::string_view message) {
  while (!message.empty()) {
    const size_t end = message.find('\n');
    const std::string_view line = message.substr(0, end);
    if (line.starts_with("READY=")) return line;
    if (end == std::string_view::npos) break;
    message.remove_prefix(end + 1);
  }
  return {};
}

}  // namespace

bool forward_ready(int fd, const std::string& host, int pid) {
  char message[4096];
  for (;;) {
    const ssize_t size = recv(fd, message, sizeof message, MSG_DONTWAIT);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return false;
    const std::string_view ready = ready_line({message, static_cast<size_t>(size)});
    if (ready.empty()) continue;
    Fd manager;
    // A manager that has gone has nobody waiting; there is nothing else to tell it either.
    if (!connect_to(host, manager) || !send_text(manager.get(), std::string(ready) + "\n"))
      return true;
    if (pid > 0 && send_text(manager.get(), "MAINPID=" + std::to_string(pid) + "\n"))
      (void)barrier(manager.get());
    return true;
  }
}

// A datagram socket that everybody who can reach it may write to.
int32_t listen_notify(const std::string& path) {
  Fd fd{socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  sockaddr_un address{};
  Fd dir;
  if (!fd || !fill_address(path, address, dir) || fchmod(fd.get(), 0777) < 0 ||
      bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) < 0 ||
      chmod(path.c_str(), 0777) < 0)
    throw_errno("bind", path);
  return fd.release();
}

bool forward_notify(int32_t fd, const std::string& host, int32_t pid) {
  return forward_ready(fd, host, pid);
}

}  // namespace tsrun
