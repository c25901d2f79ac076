// Starting init and talking with it: the parent's half of the sync protocol.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "addon/exports.h"
#include "addon/failure_js.h"
#include "launch/clone.h"
#include "launch/sealed.h"
#include "sys/fd.h"
#include "sys/frame.h"
#include "sys/plan_header.h"

namespace tsrun {
namespace {

constexpr const char* kFrameNames[] = {"",        "failure",  "event", "child",
                                       "console", "listener", "hook",  "source"};

// A plan that is too short or not ours must not reach init: it could not even report it.
int seal_plan(Napi::Env env, const Napi::Uint8Array& bytes, int sync, int start, int target) {
  if (bytes.ByteLength() < sizeof(PlanHeader)) throw_failure(env, "launch", EINVAL);
  std::vector<uint8_t> plan(bytes.Data(), bytes.Data() + bytes.ByteLength());
  PlanHeader header;
  memcpy(&header, plan.data(), sizeof header);
  header.sync_fd = sync;
  header.start_fd = start;
  header.target_fd = target;
  memcpy(plan.data(), &header, sizeof header);
  const int fd = sealed_memfd("tsrun-plan", plan.data(), plan.size(), false);
  if (fd < 0) throw_errno(env, "memfd_create");
  return fd;
}

int number(const Napi::Object& options, const char* key) {
  return options.Get(key).As<Napi::Number>().Int32Value();
}

// The first number from 3 on that is empty when the addon is loaded. In the static executable that is before
// main, where all that is open comes from the caller; whatever has a number from here on is our own. It costs one
// call and opens nothing.
int first_empty() noexcept {
  int fd = 3;
  while (fcntl(fd, F_GETFD) >= 0) fd++;
  return fd;
}
const int kFirstEmpty = first_empty();

// A number that the caller promised and did not fill has been taken by the addon or by the JavaScript runtime
// that loaded it, and what they opened must not reach the container (CVE-2024-21626). The runtime has taken it
// for its event loop first. Close-on-exec does not tell: Node.js sets it on what it inherits.
void check_preserved(Napi::Env env, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    const int fd = static_cast<int>(3 + i);
    const std::string path = "/proc/self/fd/" + std::to_string(fd);
    char target[64];
    const ssize_t size = readlink(path.c_str(), target, sizeof target);
    if (size < 0 || fd >= kFirstEmpty ||
        std::string_view(target, static_cast<size_t>(size)) == "anon_inode:[eventpoll]")
      throw_failure(env, "fcntl(preserved descriptor)", EBADF, std::to_string(fd).c_str());
  }
}

// The texts that follow a frame's head.
std::string next_text(const char*& at, const char* end) {
  std::string text(at, strnlen(at, static_cast<size_t>(end - at)));
  at += text.size() + 1;
  if (at > end) at = end;
  return text;
}

}  // namespace

Napi::Value launch(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Napi::Object options = info[0].As<Napi::Object>();
  const int image = init_image();
  if (image < 0) throw_errno(env, "memfd_create");
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
    throw_errno(env, "socketpair");
  Fd own{pair[0]}, init{pair[1]};
  CloneRequest request{};
  const uint32_t preserve = options.Get("preserveFds").As<Napi::Number>().Uint32Value();
  check_preserved(env, preserve);
  // Init's descriptors must lie above those that the container keeps.
  const int lowest = static_cast<int>(3 + preserve);
  Fd sync{fcntl(init.get(), F_DUPFD_CLOEXEC, lowest)};
  if (!sync) throw_errno(env, "fcntl");
  const int start = number(options, "startFd");
  Fd start_copy{start < 0 ? -1 : fcntl(start, F_DUPFD_CLOEXEC, lowest)};
  const int target = number(options, "targetFd");
  Fd target_copy{target < 0 ? -1 : fcntl(target, F_DUPFD_CLOEXEC, lowest)};
  Fd sealed{seal_plan(env, options.Get("plan").As<Napi::Uint8Array>(), sync.get(), start_copy.get(),
                      target_copy.get())};
  Fd plan{fcntl(sealed.get(), F_DUPFD_CLOEXEC, lowest)};
  if (!plan) throw_errno(env, "fcntl");
  request.image = image;
  request.plan = plan.get();
  request.sync = sync.get();
  request.start = start_copy.get();
  request.target = target_copy.get();
  const Napi::Array stdio = options.Get("stdio").As<Napi::Array>();
  for (uint32_t i = 0; i < 3; i++) request.stdio[i] = stdio.Get(i).As<Napi::Number>().Int32Value();
  request.preserve_fds = preserve;
  request.flags = static_cast<uint64_t>(options.Get("cloneFlags").As<Napi::Number>().Int64Value());
  request.cgroup = number(options, "cgroupFd");
  const std::string cpus = options.Get("cpus").As<Napi::String>().Utf8Value();
  request.cpus = cpus.c_str();
  const Child result = clone_init(request);
  if (result.error != 0) {
    const bool about_cpus = strcmp(result.syscall, "sched_setaffinity") == 0;
    throw_failure(env, result.syscall, result.error, about_cpus ? "CPUs " + cpus : "");
  }
  Napi::Object launched = Napi::Object::New(env);
  launched.Set("pid", result.pid);
  launched.Set("pidfd", result.pidfd);
  launched.Set("sync", own.release());
  return launched;
}

// The next frame; null when init has closed its end. Blocks unless `wait` is false and nothing is
// there: then undefined.
Napi::Value receive(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const bool wait = info[1].As<Napi::Boolean>().Value();
  char buffer[kFrameCapacity];
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
  iovec part{buffer, sizeof buffer};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t size;
  do size = recvmsg(int_argument(info, 0), &message, MSG_CMSG_CLOEXEC | (wait ? 0 : MSG_DONTWAIT));
  while (size < 0 && errno == EINTR);
  if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return env.Undefined();
  if (size < 0 && errno != ECONNRESET) throw_errno(env, "recvmsg", "init");
  if (size <= 0) return env.Null();
  FrameHead head;
  if (static_cast<size_t>(size) < sizeof head) throw_failure(env, "recvmsg", EBADMSG, "init");
  memcpy(&head, buffer, sizeof head);
  if (head.type == 0 || head.type >= std::size(kFrameNames))
    throw_failure(env, "recvmsg", EBADMSG, "init");
  Napi::Object frame = Napi::Object::New(env);
  frame.Set("type", kFrameNames[head.type]);
  frame.Set("step", static_cast<double>(head.step));
  frame.Set("errno", head.error);
  frame.Set("value", static_cast<double>(head.value));
  const char* at = buffer + sizeof head;
  const char* end = buffer + size;
  for (const char* key : {"syscall", "path", "detail"}) frame.Set(key, next_text(at, end));
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  int fd = -1;
  if (header != nullptr && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
    memcpy(&fd, CMSG_DATA(header), sizeof fd);
  frame.Set("fd", fd);
  return frame;
}

// False would only repeat what the next `receive` tells, so a closed socket is not an error here.
void send_go(const Napi::CallbackInfo& info) {
  ssize_t sent;
  do sent = send(int_argument(info, 0), &kGo, 1, MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  if (sent < 0 && errno != EPIPE && errno != ECONNRESET) throw_errno(info.Env(), "send", "init");
}

}  // namespace tsrun
