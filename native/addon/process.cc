// Processes by pidfd: open, signal, reap.
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cctype>
#include <cerrno>
#include <cstring>
#include <string>

#include "addon/exports.h"
#include "addon/failure_js.h"
#include "sys/syscall.h"

namespace tsrun {

Napi::Value process_ids(const Napi::CallbackInfo& info) {
  Napi::Object ids = Napi::Object::New(info.Env());
  ids.Set("pid", getpid());
  ids.Set("euid", static_cast<double>(geteuid()));
  ids.Set("egid", static_cast<double>(getegid()));
  return ids;
}

// The capabilities that this process can hand on, as a bit set.
Napi::Value permitted_capabilities(const Napi::CallbackInfo& info) {
  sys::CapabilityHeader header;
  sys::CapabilityHalf data[2]{};
  if (syscall(SYS_capget, &header, data) < 0) throw_errno(info.Env(), "capget");
  const uint64_t high = data[1].permitted;
  return Napi::BigInt::New(info.Env(), high << 32 | data[0].permitted);
}

// -1 when there is no such process.
Napi::Value open_process(const Napi::CallbackInfo& info) {
  const int fd = sys::pidfd_open(int_argument(info, 0));
  if (fd < 0 && errno != ESRCH && errno != EINVAL) throw_errno(info.Env(), "pidfd_open");
  return Napi::Number::New(info.Env(), fd);
}

// False when the process is gone.
Napi::Value signal_process(const Napi::CallbackInfo& info) {
  const int result = sys::pidfd_send_signal(int_argument(info, 0), int_argument(info, 1));
  if (result < 0 && errno != ESRCH) throw_errno(info.Env(), "pidfd_send_signal");
  return Napi::Boolean::New(info.Env(), result == 0);
}

// { code } or { signal } of a child that has ended; undefined while it runs, null when it is not
// a child of this process.
Napi::Value reap_process(const Napi::CallbackInfo& info) {
  siginfo_t ended{};
  int result;
  do result = waitid(P_PIDFD, static_cast<id_t>(int_argument(info, 0)), &ended, WEXITED | WNOHANG);
  while (result < 0 && errno == EINTR);
  if (result < 0) {
    if (errno == ECHILD) return info.Env().Null();
    throw_errno(info.Env(), "waitid");
  }
  if (ended.si_pid == 0) return info.Env().Undefined();
  Napi::Object status = Napi::Object::New(info.Env());
  status.Set(ended.si_code == CLD_EXITED ? "code" : "signal", ended.si_status);
  return status;
}

// A copy of another process's descriptor.
Napi::Value take_descriptor(const Napi::CallbackInfo& info) {
  const int fd = sys::pidfd_getfd(int_argument(info, 0), int_argument(info, 1));
  if (fd < 0) throw_errno(info.Env(), "pidfd_getfd");
  return Napi::Number::New(info.Env(), fd);
}

void set_subreaper(const Napi::CallbackInfo& info) {
  if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0) throw_errno(info.Env(), "prctl");
}

// The name (EPERM) and the words (operation not permitted) of an errno.
Napi::Value error_text(const Napi::CallbackInfo& info) {
  const int error = int_argument(info, 0);
  const char* name = strerrorname_np(error);
  std::string words = strerror(error);
  if (words.size() > 1 && islower(static_cast<unsigned char>(words[1])))
    words[0] = static_cast<char>(tolower(static_cast<unsigned char>(words[0])));
  Napi::Object text = Napi::Object::New(info.Env());
  text.Set("name", name == nullptr ? std::to_string(error) : std::string(name));
  text.Set("words", words);
  return text;
}

}  // namespace tsrun
