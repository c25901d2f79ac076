// Pipes and terminals that never block the event loop.
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "addon/failure.h"
#include "addon_functions.h"

namespace tsrun {
namespace {

constexpr size_t kMostAtOnce = 65536;  // a pipe's capacity (pipe(7))

}  // namespace

// Both ends block: who keeps one changes that.
OpenedPipe open_pipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) < 0) throw_errno("pipe2");
  return {ends[0], ends[1]};
}

int32_t copy_descriptor(int32_t fd) {
  const int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
  if (copy < 0) throw_errno("fcntl");
  return copy;
}

void set_non_blocking(int32_t fd) {
  const int flags = fcntl(fd, F_GETFL);
  if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) throw_errno("fcntl");
}

// What is there, at most 64 KiB; nothing when there is nothing yet, no bytes at the end.
std::optional<std::vector<uint8_t>> read_bytes(int32_t fd) {
  static thread_local std::vector<uint8_t> buffer(kMostAtOnce);
  ssize_t got;
  do got = read(fd, buffer.data(), buffer.size());
  while (got < 0 && errno == EINTR);
  if (got < 0 && errno == EAGAIN) return std::nullopt;
  // A terminal ends so when nobody has its other side open (pty(7)).
  if (got < 0 && errno == EIO) got = 0;
  if (got < 0) throw_errno("read");
  return std::vector<uint8_t>(buffer.begin(), buffer.begin() + got);
}

// How many bytes from an offset on have been taken; 0 when there is no room yet.
uint32_t write_bytes(int32_t fd, std::span<const uint8_t> bytes, uint32_t offset) {
  if (offset > bytes.size()) throw_failure("write", EINVAL);
  const auto rest = bytes.subspan(offset, std::min(bytes.size() - offset, kMostAtOnce));
  ssize_t put;
  do put = write(fd, rest.data(), rest.size());
  while (put < 0 && errno == EINTR);
  if (put < 0 && errno == EAGAIN) put = 0;
  if (put < 0) throw_errno("write");
  return static_cast<uint32_t>(put);
}

void set_terminal_size(int32_t ptmx, uint32_t columns, uint32_t rows) {
  winsize size{};
  size.ws_col = static_cast<unsigned short>(columns);
  size.ws_row = static_cast<unsigned short>(rows);
  if (ioctl(ptmx, TIOCSWINSZ, &size) < 0) throw_errno("ioctl(TIOCSWINSZ)");
}

}  // namespace tsrun
