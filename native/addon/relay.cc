// Copies one direction of a terminal's data without ever blocking the other.
#include "addon/relay.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>

namespace tsrun {
namespace {

constexpr size_t kCapacity = size_t{64} * 1024;
constexpr int kChunksInARow = 64;
constexpr int kMisses = 20;
constexpr size_t kChunk = 4096;  // PIPE_BUF: what a descriptor that is ready takes without blocking

bool would_block() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

}  // namespace

// Standard streams do not become non-blocking, since their flags belong to a file that other
// processes share. A terminal or a pipe is opened once more instead, for flags of our own; where that
// is not allowed, it is written to in small pieces after poll has said that it is ready.
Relay::Relay(int from, int to, bool is_typed)
    : from_(from), to_(to), is_typed_(is_typed), buffer_(kCapacity) {
  struct stat info {};
  eager_ = from >= 0 && (fcntl(from, F_GETFL) & O_NONBLOCK) != 0;
  if (to < 0 || fstat(to, &info) < 0) return;
  const int flags = fcntl(to, F_GETFL);
  const bool null = S_ISCHR(info.st_mode) && info.st_rdev == makedev(1, 3);
  if (S_ISREG(info.st_mode) || null || (flags & O_NONBLOCK) != 0) blocks_ = false;
  if (!blocks_ || !(S_ISFIFO(info.st_mode) || isatty(to))) return;
  const std::string path = "/proc/self/fd/" + std::to_string(to);
  own_.reset(open(path.c_str(), (flags & O_ACCMODE) | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!own_) return;
  to_ = own_.get();
  blocks_ = false;
}

void Relay::prepare(pollfd* watched) const {
  watched[0] = {reading_ && end_ < buffer_.size() ? from_ : -1, POLLIN, 0};
  watched[1] = {end_ > begin_ ? to_ : -1, POLLOUT, 0};
}

bool Relay::fill() {
  const ssize_t got = read(from_, buffer_.data() + end_, buffer_.size() - end_);
  if (got > 0) end_ += static_cast<size_t>(got), last_ = buffer_[end_ - 1];
  if (got == 0 && is_typed_) type_end();
  // EIO: the last process has closed the terminal's other side.
  if (got == 0 || (got < 0 && !would_block())) reading_ = false;
  return got > 0;
}

// As a user ends what is typed (termios(3), VEOF): at once where a line has ended, else after what there is of it.
void Relay::type_end() {
  termios modes;
  if (tcgetattr(to_, &modes) < 0 || modes.c_cc[VEOF] == _POSIX_VDISABLE) return;
  const bool within_line = (modes.c_lflag & ICANON) != 0 && last_ != '\n';
  for (int i = within_line ? 0 : 1; i < 2 && end_ < buffer_.size(); i++)
    buffer_[end_++] = static_cast<char>(modes.c_cc[VEOF]);
}

bool Relay::flush() {
  const size_t size = end_ - begin_;
  const ssize_t put = write(to_, buffer_.data() + begin_, blocks_ ? std::min(size, kChunk) : size);
  if (put > 0) begin_ += static_cast<size_t>(put);
  if (put < 0 && !would_block())
    begin_ = end_;  // nobody reads any more: the data has no place to go
  if (begin_ == end_) begin_ = end_ = 0;
  return put > 0;
}

void Relay::transfer(const pollfd* watched) {
  if (watched[0].revents != 0 && watched[0].fd >= 0) (void)fill();
  if (end_ == begin_ || (watched[1].revents == 0 && watched[0].revents == 0)) return;
  pollfd ready{to_, POLLOUT, 0};
  if (!blocks_ || poll(&ready, 1, 0) > 0) (void)flush();
  if (watched[0].revents != 0 && eager_ && !blocks_) follow();
}

// A terminal hands out 4 KiB at a time, and the kernel needs a moment for the next: to sleep for it
// would cost more than to look again, on a busy machine much more. Not for long: signals and the
// other direction wait.
void Relay::follow() {
  int misses = 0;
  for (int chunk = 0; chunk < kChunksInARow && misses < kMisses && reading_ && end_ == begin_;) {
    (void)sched_yield();
    if (!fill()) {
      misses++;
      continue;
    }
    (void)flush();
    misses = 0;
    chunk++;
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
