// A program that fills the terminal: its size, keys without a line's end, signals as something to read.
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <string>
#include <vector>

#include "addon/failure.h"
#include "addon_functions.h"
#include "sys/fd.h"

namespace tsrun {
namespace {

termios cooked;
int cooked_fd = -1;

}  // namespace

std::optional<TerminalSize> terminal_size(int32_t fd) {
  winsize size{};
  if (ioctl(fd, TIOCGWINSZ, &size) < 0) return std::nullopt;
  return TerminalSize{size.ws_col, size.ws_row};
}

// Keys arrive at once and are not echoed; ^C stays a signal. False gives back what was there.
void set_key_mode(int32_t fd, bool on) {
  if (!on) {
    if (cooked_fd >= 0) (void)tcsetattr(cooked_fd, TCSAFLUSH, &cooked);
    cooked_fd = -1;
    return;
  }
  if (tcgetattr(fd, &cooked) < 0) throw_errno("tcgetattr");
  termios keys = cooked;
  keys.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
  if (tcsetattr(fd, TCSAFLUSH, &keys) < 0) throw_errno("tcsetattr");
  cooked_fd = fd;
}

// From now on these signals do nothing but make the descriptor readable.
int32_t open_signals(const std::vector<int32_t>& numbers) {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : numbers) sigaddset(&set, number);
  if (const int error = pthread_sigmask(SIG_BLOCK, &set, nullptr))
    throw_failure("pthread_sigmask", error);
  Fd fd{signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)};
  if (!fd) throw_errno("signalfd");
  return fd.release();
}

std::optional<int32_t> next_signal(int32_t fd) {
  signalfd_siginfo info;
  if (read(fd, &info, sizeof info) != static_cast<ssize_t>(sizeof info)) return std::nullopt;
  return static_cast<int32_t>(info.ssi_signo);
}

// Stops this process as the terminal's suspend key does; returns when it goes on.
void suspend() {
  if (kill(getpid(), SIGSTOP) < 0) throw_errno("kill");
}

std::string read_keys(int32_t fd) {
  char keys[256];
  const ssize_t got = read(fd, keys, sizeof keys);
  return got <= 0 ? "" : std::string(keys, static_cast<size_t>(got));
}

// The beginning of each file as it is now, read without being opened again; "" of what has gone.
std::vector<std::string> read_again(const std::vector<int32_t>& fds) {
  std::vector<std::string> texts;
  texts.reserve(fds.size());
  char text[16384];
  for (const int fd : fds) {
    const ssize_t got = pread(fd, text, sizeof text, 0);
    texts.emplace_back(text, got < 0 ? 0 : static_cast<size_t>(got));
  }
  return texts;
}

// As many open files as this process may have at all.
uint32_t raise_open_files() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) < 0) throw_errno("getrlimit");
  limit.rlim_cur = limit.rlim_max;
  (void)setrlimit(RLIMIT_NOFILE, &limit);
  if (getrlimit(RLIMIT_NOFILE, &limit) < 0) throw_errno("getrlimit");
  return limit.rlim_cur > UINT32_MAX ? UINT32_MAX : static_cast<uint32_t>(limit.rlim_cur);
}

}  // namespace tsrun
