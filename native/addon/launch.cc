// Starting init and talking with it: the parent's half of the sync protocol.
#include "addon/launch.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "addon/failure.h"
#include "addon_functions.h"
#include "launch/sealed.h"
#include "sys/fd.h"
#include "sys/frame.h"
#include "sys/message.h"
#include "wires.h"

namespace tsrun {
namespace {

// A plan that is too short or not ours must not reach init: it could not even report it.
int seal_plan(std::span<const uint8_t> bytes, int sync, int start, int target) {
  if (bytes.size() < sizeof(PlanHeader)) throw_failure("launch", EINVAL);
  std::vector<uint8_t> plan(bytes.begin(), bytes.end());
  PlanHeader header;
  memcpy(&header, plan.data(), sizeof header);
  header.sync_fd = sync;
  header.start_fd = start;
  header.target_fd = target;
  memcpy(plan.data(), &header, sizeof header);
  const int fd = sealed_memfd("tsrun-plan", plan.data(), plan.size(), false);
  if (fd < 0) throw_errno("memfd_create");
  return fd;
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

// Those of the promised numbers that the caller has filled: engines promise more than they have. An empty one
// has been taken by the addon or by the JavaScript runtime that loaded it, and what they opened must not reach
// the container (CVE-2024-21626). It is close-on-exec, which nothing that was inherited can be, unless the
// runtime has set that afterwards, as Node.js and Bun do: there an empty number is an error, which shows by the
// event loop that has taken it first.
std::vector<int> preserved(uint32_t count) {
  std::vector<int> filled;
  for (int fd = 3; fd < static_cast<int>(3 + count); fd++) {
    const int flags = fcntl(fd, F_GETFD);
    if (flags < 0) continue;
    if ((flags & FD_CLOEXEC) != 0) {
      if (fd >= kFirstEmpty) continue;
      const std::string path = "/proc/self/fd/" + std::to_string(fd);
      char target[64];
      const ssize_t size = readlink(path.c_str(), target, sizeof target);
      if (size < 0 ||
          std::string_view(target, static_cast<size_t>(size)) == "anon_inode:[eventpoll]")
        throw_failure("fcntl(preserved descriptor)", EBADF, std::to_string(fd).c_str());
    }
    filled.push_back(fd);
  }
  return filled;
}

// The texts that follow a frame's head.
std::string next_text(const char*& at, const char* end) {
  std::string text(at, strnlen(at, static_cast<size_t>(end - at)));
  at += text.size() + 1;
  if (at > end) at = end;
  return text;
}

}  // namespace

PreparedLaunch::PreparedLaunch(const LaunchRequest& request)
    : preserved_(preserved(request.preserve_fds)), cpus_(request.cpus) {
  if (request.stdio.size() != 3) throw_failure("launch", EINVAL);
  clone_.image = init_image(image_);
  if (clone_.image < 0)
    throw_errno(
        "memfd_create",
        errno == EACCES
            ? "tsrun-init: the sysctl vm.memfd_noexec forbids it, and none of /run, /dev/shm, "
              "/tmp, /var/tmp takes a file that can be executed"
            : "tsrun-init");
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) throw_errno("socketpair");
  own_.reset(pair[0]);
  const Fd init{pair[1]};
  // Init's descriptors must lie above those that the container keeps.
  const auto copy = [&](int fd) {
    Fd above{fcntl(fd, F_DUPFD_CLOEXEC, static_cast<int>(3 + request.preserve_fds))};
    if (!above) throw_errno("fcntl");
    return above;
  };
  sync_ = copy(init.get());
  if (request.start_fd >= 0) start_ = copy(request.start_fd);
  if (request.target_fd >= 0) target_ = copy(request.target_fd);
  const Fd sealed{seal_plan(request.plan, sync_.get(), start_.get(), target_.get())};
  plan_ = copy(sealed.get());
  clone_.plan = plan_.get();
  clone_.sync = sync_.get();
  clone_.start = start_.get();
  clone_.target = target_.get();
  std::copy(request.stdio.begin(), request.stdio.end(), clone_.stdio);
  clone_.preserved = preserved_.data();
  clone_.preserved_count = preserved_.size();
  clone_.flags = request.clone_flags;
  clone_.cgroup = request.cgroup_fd;
  clone_.cpus = cpus_.c_str();
}

Child PreparedLaunch::clone() const noexcept { return clone_init(clone_); }

Launched PreparedLaunch::finish(const Child& child) {
  if (child.error != 0) {
    const bool about_cpus = strcmp(child.syscall, "sched_setaffinity") == 0;
    throw_failure(child.syscall, child.error, about_cpus ? "CPUs " + cpus_ : "");
  }
  return {child.pid, child.pidfd, own_.release()};
}

Launched launch(const LaunchRequest& request) {
  PreparedLaunch prepared(request);
  return prepared.finish(prepared.clone());
}

// The next frame. Blocks unless `wait` is false and nothing is there: then undefined.
std::optional<Frame> receive(int32_t socket, bool wait) {
  char buffer[kFrameCapacity];
  Fd fd;
  const ssize_t size = receive_message(socket, buffer, sizeof buffer, wait ? 0 : MSG_DONTWAIT, fd);
  if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return std::nullopt;
  if (size < 0 && errno != ECONNRESET) throw_errno("recvmsg", "init");
  Frame frame{};
  frame.fd = -1;
  if (size <= 0) return frame;  // FrameType::end
  FrameHead head;
  if (static_cast<size_t>(size) < sizeof head) throw_failure("recvmsg", EBADMSG, "init");
  memcpy(&head, buffer, sizeof head);
  if (head.type == FrameType::end || static_cast<uint32_t>(head.type) >= kFrameTypeCount)
    throw_failure("recvmsg", EBADMSG, "init");
  frame.type = head.type;
  frame.step = head.step;
  frame.error = head.error;
  frame.value = head.value;
  const char* at = buffer + sizeof head;
  const char* end = buffer + size;
  for (std::string* text : {&frame.syscall, &frame.path, &frame.detail}) *text = next_text(at, end);
  frame.fd = fd.release();
  return frame;
}

// False would only repeat what the next `receive` tells, so a closed socket is not an error here.
void send_go(int32_t fd) {
  ssize_t sent;
  do sent = send(fd, &kGo, 1, MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  if (sent < 0 && errno != EPIPE && errno != ECONNRESET) throw_errno("send", "init");
}

}  // namespace tsrun
