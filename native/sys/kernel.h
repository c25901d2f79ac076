// The kernel's numbers and structures that native code uses, with its own names: a header below
// <linux/> may clash with libc's or not be C++ (linux/ioprio.h of Linux 6.1.192 is not). Each block
// names the kernel's file; the numbers are part of its ABI and never change. A libc that has a block
// by now has all of it.
#pragma once
#include <stdint.h>

// include/uapi/linux/openat2.h
#ifndef RESOLVE_IN_ROOT
#define RESOLVE_NO_XDEV 0x01
#define RESOLVE_NO_MAGICLINKS 0x02
#define RESOLVE_NO_SYMLINKS 0x04
#define RESOLVE_BENEATH 0x08
#define RESOLVE_IN_ROOT 0x10
#endif

// include/uapi/linux/mount.h; MOUNT_ATTR_IDMAP since Linux 5.12.
#ifndef OPEN_TREE_CLONE
#define MS_REC 16384
#define MS_PRIVATE (1 << 18)
#define MS_SLAVE (1 << 19)
#define MS_SHARED (1 << 20)
#define OPEN_TREE_CLONE 1
#define MOVE_MOUNT_F_EMPTY_PATH 0x00000004
#define MOVE_MOUNT_T_EMPTY_PATH 0x00000040
#define MOUNT_ATTR_RDONLY 0x00000001
#define MOUNT_ATTR_NOSUID 0x00000002
#define MOUNT_ATTR_NODEV 0x00000004
#define MOUNT_ATTR_NOEXEC 0x00000008
#define MOUNT_ATTR_IDMAP 0x00100000
#define FSCONFIG_SET_FLAG 0
#define FSCONFIG_SET_STRING 1
#define FSCONFIG_CMD_CREATE 6
#endif

// include/uapi/linux/magic.h
#ifndef PROC_SUPER_MAGIC
#define PROC_SUPER_MAGIC 0x9fa0
#define DEVPTS_SUPER_MAGIC 0x1cd1
#endif

// include/uapi/linux/memfd.h, since Linux 6.3
#ifndef MFD_EXEC
#define MFD_NOEXEC_SEAL 0x0008U
#define MFD_EXEC 0x0010U
#endif

// include/uapi/linux/sched.h, beyond what <sched.h> has: Linux 5.5 and 5.7
#ifndef CLONE_INTO_CGROUP
#define CLONE_CLEAR_SIGHAND 0x100000000ULL
#define CLONE_INTO_CGROUP 0x200000000ULL
#endif

// include/uapi/linux/nsfs.h: _IO(0xb7, 0x3)
#ifndef NS_GET_NSTYPE
#define NS_GET_NSTYPE 0xb703
#endif

// include/uapi/linux/ioprio.h
#ifndef IOPRIO_WHO_PROCESS
#define IOPRIO_WHO_PROCESS 1
#endif

namespace tsrun::sys {

// struct open_how of openat2(2)
struct OpenHow {
  uint64_t flags;
  uint64_t mode;
  uint64_t resolve;
};

// struct clone_args of clone3(2), as of Linux 5.7
struct CloneArguments {
  uint64_t flags;
  uint64_t pidfd;
  uint64_t child_tid;
  uint64_t parent_tid;
  uint64_t exit_signal;
  uint64_t stack;
  uint64_t stack_size;
  uint64_t tls;
  uint64_t set_tid;
  uint64_t set_tid_size;
  uint64_t cgroup;
};

// struct mount_attr of mount_setattr(2)
struct MountAttributes {
  uint64_t set = 0;
  uint64_t clear = 0;
  uint64_t propagation = 0;
  uint64_t userns_fd = 0;
};

// The header and data of capget(2) and capset(2), _LINUX_CAPABILITY_VERSION_3: two halves of 32 bits.
struct CapabilityHeader {
  uint32_t version = 0x20080522;
  int32_t pid = 0;
};
struct CapabilityHalf {
  uint32_t effective;
  uint32_t permitted;
  uint32_t inheritable;
};

}  // namespace tsrun::sys
