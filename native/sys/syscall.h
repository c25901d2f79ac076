// The kernel calls that libc has no wrapper for (or differs in between libcs), as thin inline
// functions: negative return means errno is set, exactly as with libc's own wrappers.
#pragma once
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sys/kernel.h"

namespace tsrun::sys {

// O_CLOEXEC is part of every open: nothing that init or the addon opens may reach the container.
inline int openat2(int dir, const char* path, uint64_t flags, uint64_t resolve,
                   uint64_t mode = 0) noexcept {
  OpenHow how{};
  how.flags = flags | O_CLOEXEC;
  how.mode = mode;
  how.resolve = resolve;
  long fd;
  int tries = 128;  // openat2(2): RESOLVE_IN_ROOT gives EAGAIN while somebody renames directories
  do fd = ::syscall(SYS_openat2, dir, path, &how, sizeof how);
  while (fd < 0 && errno == EAGAIN && --tries > 0);
  return static_cast<int>(fd);
}

inline int open_tree(int dir, const char* path, unsigned flags) noexcept {
  return static_cast<int>(::syscall(SYS_open_tree, dir, path, flags | O_CLOEXEC));
}

inline int move_mount(int from, const char* from_path, int to, const char* to_path,
                      unsigned flags) noexcept {
  return static_cast<int>(::syscall(SYS_move_mount, from, from_path, to, to_path, flags));
}

constexpr unsigned kFsCloexec = 1;  // FSOPEN_CLOEXEC, FSMOUNT_CLOEXEC

inline int fsopen(const char* type) noexcept {
  return static_cast<int>(::syscall(SYS_fsopen, type, kFsCloexec));
}

inline int fsconfig(int fs, unsigned command, const char* key, const void* value) noexcept {
  return static_cast<int>(::syscall(SYS_fsconfig, fs, command, key, value, 0));
}

inline int fsmount(int fs, unsigned attributes) noexcept {
  return static_cast<int>(::syscall(SYS_fsmount, fs, kFsCloexec, attributes));
}

inline int mount_setattr(int dir, const char* path, unsigned flags,
                         const MountAttributes& attributes) noexcept {
  return static_cast<int>(
      ::syscall(SYS_mount_setattr, dir, path, flags, &attributes, sizeof attributes));
}

inline int pivot_root(const char* root, const char* old) noexcept {
  return static_cast<int>(::syscall(SYS_pivot_root, root, old));
}

inline int close_range(unsigned first, unsigned last, unsigned flags = 0) noexcept {
  return static_cast<int>(::syscall(SYS_close_range, first, last, flags));
}

inline int pidfd_open(int pid) noexcept {
  return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
}

inline int pidfd_send_signal(int pidfd, int signal) noexcept {
  return static_cast<int>(::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0));
}

inline int pidfd_getfd(int pidfd, int fd) noexcept {
  return static_cast<int>(::syscall(SYS_pidfd_getfd, pidfd, fd, 0));
}

}  // namespace tsrun::sys
