// The init side of the sync protocol: frames to the parent, go from it.
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <time.h>

#include "init/context.h"
#include "plan_steps.h"
#include "sys/message.h"
#include "sys/syscall.h"

namespace tsrun {
namespace {

size_t append(char* buffer, size_t at, const char* text) noexcept {
  size_t length = strlen(text);
  const size_t room = kFrameCapacity - at - 3;  // the NULs of this text and of those that follow
  if (length > room) length = room;
  memcpy(buffer + at, text, length);
  buffer[at + length] = 0;
  return at + length + 1;
}

}  // namespace

bool send_frame(const Context& context, FrameHead head, const char* syscall, const char* path,
                const char* detail, int fd) noexcept {
  char buffer[kFrameCapacity];
  memcpy(buffer, &head, sizeof head);
  size_t size = append(buffer, sizeof head, syscall);
  size = append(buffer, size, path);
  size = append(buffer, size, detail);
  if (fd < 0) {  // plain write(2): the one call that a seccomp profile is most sure to allow
    ssize_t sent;
    do sent = ::write(context.sync, buffer, size);
    while (sent < 0 && errno == EINTR);
    return sent >= 0;
  }
  return send_message(context.sync, buffer, size, fd);
}

Failure await_go(const Context& context) noexcept {
  char answer = 0;
  ssize_t got;
  do got = ::read(context.sync, &answer, 1);
  while (got < 0 && errno == EINTR);
  if (got < 0) return fail("read");
  if (got == 0 || answer != kGo) return refuse(EPIPE, "read", "", "the runtime has gone");
  return kOk;
}

bool receive_text(const Context& context, char* text, size_t capacity, Fd& fd) noexcept {
  const ssize_t got = receive_message(context.sync, text, capacity - 1, 0, fd);
  if (got == 0) errno = 0;
  if (got <= 0) return false;
  text[got] = 0;
  return true;
}

Failure ask_parent(const Context& context, uint32_t number, Fd& mount) noexcept {
  const FrameHead head{FrameType::source, context.step, 0, number};
  if (!send_frame(context, head, "", "", "", mount.get())) return fail("sendmsg");
  char answer[2];
  Fd given;
  if (!receive_text(context, answer, sizeof answer, given))
    return refuse(errno == 0 ? EPIPE : errno, "recvmsg", "", "the runtime has gone");
  if (answer[0] != kGo || (!mount && !given)) return refuse(EBADMSG, "recvmsg", "", "no source");
  if (!mount) mount = static_cast<Fd&&>(given);
  return kOk;
}

bool is_procfs_root(int fd) noexcept {
  struct stat info;
  struct statfs fs;
  return ::fstat(fd, &info) == 0 && ::fstatfs(fd, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC &&
         info.st_ino == 1;
}

int private_proc(Context& context) noexcept {
  if (context.proc) return context.proc.get();
  Fd fs{sys::fsopen("proc")};
  if (fs && sys::fsconfig(fs.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr) == 0)
    context.proc.reset(
        sys::fsmount(fs.get(), MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC));
  // In a user namespace whose own /proc is masked the kernel refuses a new procfs. After pivot_root
  // "/proc" is the container's: only a real one will do (CVE-2025-52881).
  if (!context.proc && errno == EPERM) {
    context.proc.reset(sys::open_tree(AT_FDCWD, "/proc", OPEN_TREE_CLONE));
    if (context.proc && !is_procfs_root(context.proc.get())) {
      context.proc.reset();
      errno = EPERM;
    }
  }
  return context.proc.get();
}

char** pointers_to(const TextList& list, uint32_t extra) noexcept {
  const size_t count = static_cast<size_t>(list.count) + extra + 1;
  void* map = ::mmap(nullptr, count * sizeof(char*), PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (map == MAP_FAILED) return nullptr;
  char** next = static_cast<char**>(map);
  (void)list.for_each([&](Text text) -> Failure {
    *next++ = const_cast<char*>(text.data);
    return kOk;
  });
  return static_cast<char**>(map);
}

namespace step {

Failure run(const Barrier& s, Context& context) noexcept {
  const FrameHead head{FrameType::event, context.step, 0, s.event};
  if (s.open) (void)::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
  if (!send_frame(context, head, "", "", "")) return fail("write");
  const Failure failure = s.wait ? await_go(context) : kOk;
  if (s.open) (void)::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  return failure;
}

// Only told: nothing depends on it.
Failure run(const Stamp& s, Context& context) noexcept {
  timespec now{};
  (void)::clock_gettime(CLOCK_REALTIME, &now);
  const uint64_t micros =
      static_cast<uint64_t>(now.tv_sec) * 1000000 + static_cast<uint64_t>(now.tv_nsec) / 1000;
  const FrameHead head{FrameType::stamp, context.step, static_cast<int32_t>(s.number),
                       static_cast<uint32_t>(micros)};
  (void)send_frame(context, head, "", "", "");
  return kOk;
}

// Whoever runs `start` connects and says go; if it dies before that, the container stays created.
Failure run(const AwaitStart&, Context& context) noexcept {
  if (context.start < 0) return await_go(context);
  (void)::close(context.sync);
  for (;;) {
    context.sync = ::accept4(context.start, nullptr, nullptr, SOCK_CLOEXEC);
    if (context.sync < 0 && (errno == EINTR || errno == ECONNABORTED)) continue;
    if (context.sync < 0) return fail("accept4");
    if (!await_go(context)) break;
    (void)::close(context.sync);
  }
  (void)::close(context.start);
  return kOk;
}

}  // namespace step
}  // namespace tsrun
