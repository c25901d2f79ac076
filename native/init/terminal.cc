// Steps that give the container its terminal and its standard streams.
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <termios.h>

#include "init/context.h"
#include "init/paths.h"
#include "plan_steps.h"
#include "sys/syscall.h"
#include "sys/text.h"

#ifndef TIOCGPTPEER
#define TIOCGPTPEER 0x5441
#endif

namespace tsrun::step {
namespace {

// The multiplexer of the container's own devpts: nothing else has this number on that file system
// (CVE-2025-52565).
Failure open_multiplexer(const Context& context, Fd& ptmx) noexcept {
  const char* path = "/dev/pts/ptmx";
  Fd seen;  // opening another device could already have an effect
  if (Failure failure = open_verified_device(context, path, 5, 2, seen)) {
    if (failure.error == ENOENT)
      failure.detail = "process.terminal needs a devpts mount on /dev/pts";
    return failure;
  }
  ptmx.reset(sys::openat2(context.root.get(), path, O_RDWR | O_NOCTTY | O_NOFOLLOW,
                          RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS));
  if (!ptmx) return fail("openat2", path);
  struct stat info;
  struct statfs fs;
  if (::fstat(ptmx.get(), &info) < 0 || ::fstatfs(ptmx.get(), &fs) < 0) return fail("fstat", path);
  if (fs.f_type != DEVPTS_SUPER_MAGIC || !S_ISCHR(info.st_mode) || info.st_rdev != makedev(5, 2))
    return refuse(EINVAL, "fstat", path, "not the multiplexer of a devpts");
  return kOk;
}

Failure bind_console(const Context& context, int peer) noexcept {
  const char* path = "/dev/console";
  Fd dir;
  const char* name;
  if (Failure failure = open_parent(context, path, dir, name)) return failure;
  Fd target{::openat(dir.get(), name, O_PATH | O_NOFOLLOW | O_CLOEXEC)};
  if (!target && errno == ENOENT) {
    Fd made{::openat(dir.get(), name, O_CREAT | O_EXCL | O_NOFOLLOW | O_RDONLY | O_CLOEXEC, 0666)};
    if (!made) return fail("openat", path);
    target.reset(::openat(dir.get(), name, O_PATH | O_NOFOLLOW | O_CLOEXEC));
  }
  if (!target) return fail("openat", path);
  struct stat info;
  if (::fstat(target.get(), &info) < 0) return fail("fstat", path);
  if (S_ISLNK(info.st_mode)) return refuse(ELOOP, "openat", path, "a symbolic link in the image");
  Fd tree{sys::open_tree(peer, "", AT_EMPTY_PATH | OPEN_TREE_CLONE)};
  if (!tree) return fail("open_tree", path);
  if (sys::move_mount(tree.get(), "", target.get(), "",
                      MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
    return fail("move_mount", path);
  return kOk;
}

bool is_null(int fd) noexcept {
  struct stat info;
  return ::fstat(fd, &info) == 0 && S_ISCHR(info.st_mode) && info.st_rdev == makedev(1, 3);
}

// The host's /dev/null gives way to the container's, which is looked at before it is used.
Failure reopen_null(const Context& context, int stream) noexcept {
  const char* path = "/dev/null";
  Fd seen;  // opening another device could already have an effect
  if (Failure failure = open_verified_device(context, path, 1, 3, seen)) return failure;
  Fd null{sys::openat2(context.root.get(), path, O_RDWR | O_NOFOLLOW,
                       RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS)};
  if (!null) return fail("openat2", path);
  if (!is_null(null.get())) return refuse(EINVAL, "fstat", path, "not the null device");
  return ::dup2(null.get(), stream) < 0 ? fail("dup2", path) : kOk;
}

}  // namespace

Failure run(const Console& s, Context& context) noexcept {
  Fd ptmx;
  if (Failure failure = open_multiplexer(context, ptmx)) return failure;
  int unlocked = 0;
  if (::ioctl(ptmx.get(), TIOCSPTLCK, &unlocked) < 0)
    return fail("ioctl(TIOCSPTLCK)", "/dev/pts/ptmx");
  Fd peer{::ioctl(ptmx.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC)};
  if (!peer) return fail("ioctl(TIOCGPTPEER)", "/dev/pts/ptmx");
  if (s.rows != 0 && s.columns != 0) {
    winsize size{};
    size.ws_row = static_cast<unsigned short>(s.rows);
    size.ws_col = static_cast<unsigned short>(s.columns);
    if (::ioctl(ptmx.get(), TIOCSWINSZ, &size) < 0)
      return fail("ioctl(TIOCSWINSZ)", "/dev/pts/ptmx");
  }
  if (s.bind)
    if (Failure failure = bind_console(context, peer.get())) return failure;
  for (int stream = 0; stream < 3; stream++)
    if (::dup2(peer.get(), stream) < 0) return fail("dup2", "/dev/console");
  const FrameHead head{FrameType::console, context.step, 0, 0};
  return send_frame(context, head, "", "/dev/pts/ptmx", "", ptmx.get()) ? kOk : fail("sendmsg");
}

// The terminal on standard input becomes that of this process's session.
Failure run(const ControllingTerminal&, Context&) noexcept {
  return ::ioctl(0, TIOCSCTTY, 0) < 0 ? fail("ioctl(TIOCSCTTY)", "/dev/console") : kOk;
}

// The container's user owns its streams, or it could not reopen /dev/stdout. A file of the caller stays the
// caller's. In a user namespace this takes the rights of the parent, which does it once init is there.
Failure run(const Stdio& s, Context& context) noexcept {
  for (int stream = 0; stream < 3; stream++) {
    if (is_null(stream)) {
      if (Failure failure = reopen_null(context, stream)) return failure;
      continue;
    }
    struct stat info;
    if (::fstat(stream, &info) < 0) continue;  // the caller has closed it
    if (info.st_uid == s.uid || S_ISREG(info.st_mode)) continue;
    // Read-only and foreign file systems, and unmapped owners, keep the owner they have.
    if (::fchown(stream, s.uid, static_cast<gid_t>(-1)) < 0 && errno != EPERM && errno != EROFS &&
        errno != EINVAL)
      return fail("fchown", "standard stream");
  }
  return kOk;
}

}  // namespace tsrun::step
