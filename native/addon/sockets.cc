// Unix sockets: the start socket of a container, and the sockets to which descriptors are handed.
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "addon/exports.h"
#include "addon/failure_js.h"
#include "addon/unix_address.h"
#include "sys/fd.h"

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

Napi::Value listen_start(const Napi::CallbackInfo& info) {
  const std::string path = text_argument(info, 0);
  Fd fd{socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)};
  if (!fd) throw_errno(info.Env(), "socket", path);
  sockaddr_un address{};
  Fd dir;
  // The mode of the descriptor becomes the mode of the file: nobody else ever gets to connect.
  if (!fill_address(path, address, dir) || fchmod(fd.get(), 0600) < 0 ||
      bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) < 0)
    throw_errno(info.Env(), "bind", path);
  if (listen(fd.get(), 1) < 0) throw_errno(info.Env(), "listen", path);
  return Napi::Number::New(info.Env(), fd.release());
}

// `packets`: SOCK_SEQPACKET (the start socket) instead of SOCK_STREAM. A listener that takes nobody on, or
// reads nothing, costs half a minute at most.
Napi::Value connect_socket(const Napi::CallbackInfo& info) {
  const std::string path = text_argument(info, 0);
  const int type = info[1].As<Napi::Boolean>().Value() ? SOCK_SEQPACKET : SOCK_STREAM;
  Fd fd{socket(AF_UNIX, type | SOCK_CLOEXEC, 0)};
  if (!fd) throw_errno(info.Env(), "socket", path);
  sockaddr_un address{};
  Fd dir;
  const timeval limit{30, 0};
  if (setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) < 0)
    throw_errno(info.Env(), "setsockopt", path);
  if (!fill_address(path, address, dir) ||
      connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) < 0)
    throw_errno(info.Env(), "connect", path);
  return Napi::Number::New(info.Env(), fd.release());
}

// All of some bytes; the limit of `connect_socket` counts for each part that has to wait.
void send_bytes(const Napi::CallbackInfo& info) {
  const Napi::Uint8Array bytes = info[1].As<Napi::Uint8Array>();
  for (size_t at = 0; at < bytes.ByteLength();) {
    const ssize_t sent =
        send(int_argument(info, 0), bytes.Data() + at, bytes.ByteLength() - at, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) throw_errno(info.Env(), "send");
    at += static_cast<size_t>(sent);
  }
}

// What has come, at most `limit` bytes; none at the end, undefined when nothing has come yet.
Napi::Value receive_bytes(const Napi::CallbackInfo& info) {
  std::string buffer(info[1].As<Napi::Number>().Uint32Value(), 0);
  ssize_t got;
  do got = recv(int_argument(info, 0), buffer.data(), buffer.size(), MSG_DONTWAIT);
  while (got < 0 && errno == EINTR);
  if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return info.Env().Undefined();
  if (got < 0) throw_errno(info.Env(), "recv");
  Napi::Uint8Array bytes = Napi::Uint8Array::New(info.Env(), static_cast<size_t>(got));
  memcpy(bytes.Data(), buffer.data(), static_cast<size_t>(got));
  return bytes;
}

// One message with a text, and one descriptor unless it is -1.
void send_descriptor(const Napi::CallbackInfo& info) {
  std::string text = text_argument(info, 1);
  const int fd = int_argument(info, 2);
  iovec part{text.data(), text.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (fd >= 0) {
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(header), &fd, sizeof fd);
  }
  ssize_t sent;
  do sent = sendmsg(int_argument(info, 0), &message, MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  if (sent < 0) throw_errno(info.Env(), "sendmsg");
}

}  // namespace tsrun
