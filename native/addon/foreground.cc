// A container in the foreground: forwards signals, carries the terminal's data, waits for the end.
// One blocking call without JavaScript in the data path.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "addon/failure.h"
#include "addon/notify.h"
#include "addon/relay.h"
#include "addon_functions.h"
#include "sys/fd.h"
#include "sys/syscall.h"

namespace tsrun {
namespace {

int signal_pipe[2] = {-1, -1};
struct sigaction old_actions[65];
bool caught[65];

// Signals that belong to the process itself, not to whoever sends them.
bool is_own(int number) {
  switch (number) {
    case SIGKILL:
    case SIGSTOP:
    case SIGSEGV:
    case SIGBUS:
    case SIGILL:
    case SIGFPE:
    case SIGTRAP:
    case SIGABRT:
    case SIGSYS:
    case SIGPIPE:
    case SIGURG:
    case SIGPWR:   // with it JavaScriptCore stops its threads for garbage collection
    case SIGTTIN:  // a job in the background that wants the terminal stops, as any other program
    case SIGTTOU:
    case 32:
    case 33:
      return true;
    default:
      return false;
  }
}

void on_signal(int number) {
  const int error = errno;
  const auto byte = static_cast<unsigned char>(number);
  (void)!write(signal_pipe[1], &byte, 1);
  errno = error;
}

void release_signals() {
  for (int number = 1; number <= 64; number++)
    if (caught[number]) {
      (void)sigaction(number, &old_actions[number], nullptr);
      caught[number] = false;
    }
}

// The terminal of the caller, in raw mode while the container has it.
class RawTerminal {
 public:
  RawTerminal() {
    for (const int fd : {STDERR_FILENO, STDOUT_FILENO, STDIN_FILENO})
      if (isatty(fd) && tcgetattr(fd, &old_) == 0) {
        fd_ = fd;
        return;
      }
    // All streams lead elsewhere; the keyboard may still be ours.
    own_.reset(open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY));
    if (own_ && tcgetattr(own_.get(), &old_) == 0) fd_ = own_.get();
  }
  // Also as a background job by now: SIGTTOU would stop us before the modes are restored.
  ~RawTerminal() {
    if (!raw_) return;
    const auto old = signal(SIGTTOU, SIG_IGN);
    (void)tcsetattr(fd_, TCSANOW, &old_);
    (void)signal(SIGTTOU, old);
  }
  RawTerminal(const RawTerminal&) = delete;
  RawTerminal& operator=(const RawTerminal&) = delete;

  // False in a job in the background, which would be stopped for it (SIGTTOU); without a terminal there is no such.
  // But for the output: the container's terminal leaves the line ends to this one.
  bool make_raw() {
    const pid_t foreground = fd_ < 0 ? -1 : tcgetpgrp(fd_);
    if (foreground > 0 && foreground != getpgrp()) return false;
    termios raw = old_;
    cfmakeraw(&raw);
    raw.c_oflag = old_.c_oflag;
    raw_ = fd_ >= 0 && tcsetattr(fd_, TCSANOW, &raw) == 0;
    return true;
  }
  void copy_size(int ptmx) const {
    winsize size{};
    if (fd_ < 0 || ioctl(fd_, TIOCGWINSZ, &size) < 0) return;
    if (size.ws_row != 0 || size.ws_col != 0) (void)ioctl(ptmx, TIOCSWINSZ, &size);
  }

 private:
  Fd own_;
  int fd_ = -1;
  bool raw_ = false;
  termios old_{};
};

struct Foreground {
  int pid;
  int pidfd;
  int ptmx;
  RawTerminal* terminal;
  int notify;               // the container's notify socket, or -1
  std::string notify_host;  // that of the manager
  bool away = false;        // the caller's terminal is another job's
  int status = 0;
  bool ended = false;
};

// How often to look whether the terminal is ours again, in milliseconds: a shell tells only a job that was stopped.
constexpr int kLook = 250;

// As a subreaper tsrun inherits the container's orphans; nobody else would reap them.
void reap(Foreground& run) {
  int status;
  for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;)
    if (pid == run.pid) {
      run.status = status;
      run.ended = true;
    }
}

void forward_signals(Foreground& run) {
  unsigned char numbers[64];
  const ssize_t count = read(signal_pipe[0], numbers, sizeof numbers);
  for (ssize_t i = 0; i < count; i++) {
    if (numbers[i] == SIGCHLD)
      reap(run);
    else if (numbers[i] == SIGWINCH && run.ptmx >= 0)
      run.terminal->copy_size(run.ptmx);
    else if (numbers[i] == SIGCONT && run.ptmx >= 0)
      run.away = !run.terminal->make_raw();  // the shell has given the terminal modes of its own
    else
      (void)sys::pidfd_send_signal(run.pidfd, numbers[i]);
  }
}

void loop(Foreground& run) {
  Relay input(STDIN_FILENO, run.ptmx, true), output(run.ptmx, STDOUT_FILENO, false);
  if (run.ptmx < 0) input.stop(), output.stop();
  // The end may have come before the handlers were in place.
  reap(run);
  while (!run.ended) {
    pollfd watched[7] = {{signal_pipe[0], POLLIN, 0}, {run.pidfd, POLLIN, 0}};
    watched[6] = {run.notify, POLLIN, 0};
    input.prepare(watched + 2);
    output.prepare(watched + 4);
    if (run.away) watched[2].fd = -1;
    if (poll(watched, 7, run.away ? kLook : -1) < 0 && errno != EINTR) {
      const int error = errno;
      release_signals();
      throw_failure("poll", error);
    }
    if (run.away) run.away = !run.terminal->make_raw();
    if (watched[0].revents != 0) forward_signals(run);
    input.transfer(watched + 2);
    output.transfer(watched + 4);
    // This process stays the main one, so there is no MAINPID to wait for.
    if (watched[6].revents != 0 && forward_ready(run.notify, run.notify_host, 0)) run.notify = -1;
    if (watched[1].revents != 0) reap(run);
  }
  if (run.ptmx >= 0) output.drain();
}

}  // namespace

// From here on signals wait for `runForeground` instead of ending tsrun.
void catch_signals() {
  if (signal_pipe[0] < 0 && pipe2(signal_pipe, O_CLOEXEC | O_NONBLOCK) < 0) throw_errno("pipe2");
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  sigfillset(&action.sa_mask);
  for (int number = 1; number <= 64; number++) {
    if (is_own(number) || caught[number]) continue;
    caught[number] = sigaction(number, &action, &old_actions[number]) == 0;
  }
  (void)signal(SIGPIPE, SIG_IGN);
}

// Before the container's program can ask for the size.
void adopt_terminal(int32_t ptmx) {
  termios modes;
  if (tcgetattr(ptmx, &modes) < 0) throw_errno("tcgetattr");
  modes.c_oflag &= ~static_cast<tcflag_t>(ONLCR);
  if (tcsetattr(ptmx, TCSANOW, &modes) < 0) throw_errno("tcsetattr");
  RawTerminal().copy_size(ptmx);
}

int32_t run_foreground(int32_t pid, int32_t pidfd, int32_t ptmx, int32_t notify,
                       const std::string& notify_host) {
  catch_signals();
  RawTerminal terminal;
  Foreground run{pid, pidfd, ptmx, &terminal, notify, notify_host};
  // As long as somebody has the terminal open, a program that closes and opens it again does not end
  // the output (systemd does that with its console).
  Fd peer;
  if (run.ptmx >= 0) {
    peer.reset(ioctl(run.ptmx, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
    (void)fcntl(run.ptmx, F_SETFL, O_RDWR | O_NONBLOCK);
    run.away = !terminal.make_raw();
  }
  loop(run);
  release_signals();
  return WIFSIGNALED(run.status) ? -WTERMSIG(run.status) : WEXITSTATUS(run.status);
}

}  // namespace tsrun
