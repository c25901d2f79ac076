// Unix sockets: the start socket of a container, and the sockets to which descriptors are handed.
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "addon/failure.h"
#include "addon/unix_address.h"
#include "addon_functions.h"
#include "sys/fd.h"
#include "sys/message.h"

namespace tsrun {
bool fill_address(const std::string& path, sockaddr_un& address, Fd& dir) {
  address.sun_family = AF_UNIX;
  std::string name = path;
  if (name.size() >= sizeof address.sun_path) {
    const size_t slash = path.rfind('/');
    const std::string parent = slash == std::string::npos ? "." : path.substr(0, slash + 1);
    dir.reset(open(parent.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!dir) return false;
    name = "/proc/self/fd/" + std::to_string(dir.get()) + "/" + path.substr(slash + 1);
  }
  if (name.size() >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    return false;
  }
  memcpy(address.sun_path, name.c_str(), name.size() + 1);
  return true;
}

int32_t listen_start(const std::string& path) {
  Fd fd{socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)};
  if (!fd) throw_errno("socket", path);
  sockaddr_un address{};
  Fd dir;
  // The mode of the descriptor becomes the mode of the file: nobody else ever gets to connect.
  if (!fill_address(path, address, dir) || fchmod(fd.get(), 0600) < 0 ||
      bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) < 0)
    throw_errno("bind", path);
  if (listen(fd.get(), 1) < 0) throw_errno("listen", path);
  return fd.release();
}

// A listener that takes nobody on, or reads nothing, costs half a minute at most.
int32_t connect_socket(const std::string& path, uint32_t type) {
  Fd fd{socket(AF_UNIX, static_cast<int>(type) | SOCK_CLOEXEC, 0)};
  if (!fd) throw_errno("socket", path);
  sockaddr_un address{};
  Fd dir;
  const timeval limit{30, 0};
  if (setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) < 0)
    throw_errno("setsockopt", path);
  if (!fill_address(path, address, dir) ||
      connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) < 0)
    throw_errno("connect", path);
  return fd.release();
}

// One message with a text, and one descriptor unless it is -1.
void send_descriptor(int32_t socket, const std::string& text, int32_t fd) {
  if (!send_message(socket, text.data(), text.size(), fd)) throw_errno("sendmsg");
}

// All of some bytes; the limit of `connect_socket` counts for each part that has to wait.
void send_bytes(int32_t socket, std::span<const uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) throw_errno("send");
    bytes = bytes.subspan(static_cast<size_t>(sent));
  }
}

// What has come, at most `limit` bytes; none at the end, nothing when nothing has come yet.
std::optional<std::vector<uint8_t>> receive_bytes(int32_t socket, uint32_t limit) {
  std::vector<uint8_t> bytes(limit);
  ssize_t got;
  do got = recv(socket, bytes.data(), bytes.size(), MSG_DONTWAIT);
  while (got < 0 && errno == EINTR);
  if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return std::nullopt;
  if (got < 0) throw_errno("recv");
  bytes.resize(static_cast<size_t>(got));
  return bytes;
}

// The descriptor that comes with the next message (which stays to be received), or -1.
int32_t peek_descriptor(int32_t socket) {
  char byte;
  Fd fd;
  if (receive_message(socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT, fd) < 0) throw_errno("recvmsg");
  return fd.release();
}

}  // namespace tsrun
