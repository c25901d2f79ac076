// Copies one direction of a terminal's data without ever blocking the other.
#include "addon/relay.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace tsrun {
namespace {

constexpr size_t kCapacity = 64 * 1024;
constexpr size_t kChunk = 4096;  // PIPE_BUF: what a descriptor that is ready takes without blocking

bool would_block() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

}  // namespace

// Standard streams do not become non-blocking, since their flags belong to a file that other
// processes share: they are read and written in small pieces after poll has said they are ready.
Relay::Relay(int from, int to) : from_(from), to_(to), buffer_(kCapacity) {}

void Relay::prepare(pollfd* watched) const {
  watched[0] = {reading_ && end_ < buffer_.size() ? from_ : -1, POLLIN, 0};
  watched[1] = {end_ > begin_ ? to_ : -1, POLLOUT, 0};
}

bool Relay::fill() {
  const ssize_t got = read(from_, buffer_.data() + end_, buffer_.size() - end_);
  if (got > 0) end_ += static_cast<size_t>(got);
  // EIO: the last process has closed the terminal's other side.
  if (got == 0 || (got < 0 && !would_block())) reading_ = false;
  return got > 0;
}

bool Relay::flush() {
  const ssize_t put = write(to_, buffer_.data() + begin_, std::min(end_ - begin_, kChunk));
  if (put > 0) begin_ += static_cast<size_t>(put);
  if (put < 0 && !would_block())
    begin_ = end_;  // nobody reads any more: the data has no place to go
  if (begin_ == end_) begin_ = end_ = 0;
  return put > 0;
}

void Relay::transfer(const pollfd* watched) {
  if (watched[0].revents != 0 && watched[0].fd >= 0) (void)fill();
  if (end_ > begin_ && (watched[1].revents != 0 || watched[0].revents != 0)) {
    pollfd ready{to_, POLLOUT, 0};
    if (poll(&ready, 1, 0) > 0) (void)flush();
  }
}

void Relay::drain() {
  while (end_ > begin_ || reading_) {
    if (end_ > begin_) {
      pollfd room{to_, POLLOUT, 0};
      (void)poll(&room, 1, -1);
      (void)flush();
      continue;
    }
    pollfd ready{from_, POLLIN, 0};
    if (poll(&ready, 1, 0) <= 0 || !fill()) return;
  }
}

}  // namespace tsrun
