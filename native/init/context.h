// What the steps of one run share. Plain data: no step owns anything that outlives it but through here.
#pragma once
#include <stdint.h>

#include "init/failure.h"
#include "init/reader.h"
#include "sys/fd.h"
#include "sys/frame.h"

namespace tsrun {

struct CapabilitySets {
  uint64_t effective = 0;
  uint64_t permitted = 0;
  uint64_t inheritable = 0;
  uint64_t ambient = 0;
  uint64_t reserve = 0;
  bool given = false;
};

// Of the helper that opens mount sources (sources.cc).
struct SourceHelper {
  Fd joined_user_namespace;      // the container's, whose id mappings a mount gets without its own
  Fd user_namespace;             // one that was made for the mappings of mounts
  const char* mapped_uids = "";  // its uid_map and gid_map, where it was made for them
  const char* mapped_gids = "";
  Fd given;            // the mount that came with the question, or waits for the next `mountBind`
  uint32_t asked = 0;  // number of the source that is asked for; 0: nothing yet
};

// The seccomp program that `exec` loads.
struct LateFilter {
  const uint8_t* program = nullptr;
  uint32_t size = 0;
  uint32_t flags = 0;
};

// What `exec` runs.
struct Executable {
  char path[4096];  // not zeroed: that would touch one more page
  Executable() noexcept { path[0] = 0; }
  char** argv = nullptr;
  char** envp = nullptr;
};

struct Context {
  int sync = -1;              // to the parent, later to whoever runs `start`
  int start = -1;             // listening socket of the state directory; -1: started over `sync`
  uint32_t step = 0;          // index of the running step's name, for the failure frame
  uint32_t preserve_fds = 0;  // from 3 on: the program's alone

  Fd target;     // pidfd of the container that `enterNamespaces` joins
  Fd root;       // the rootfs; all container paths are resolved below it
  Fd proc_self;  // of the runtime's /proc, where namespaces are joined
  Fd proc;       // a procfs of the runtime's own that is mounted nowhere

  bool shared_propagation = false;  // mounts of the namespace may still send to the host's
  SourceHelper helper;
  CapabilitySets capabilities;
  LateFilter filter;
  Executable executable;
};

// Sends a frame; `fd` is attached when it is not -1. False when the parent is gone.
bool send_frame(const Context& context, FrameHead head, const char* syscall, const char* path,
                const char* detail, int fd = -1) noexcept;

// Waits for the parent's go; a failure when it has gone.
Failure await_go(const Context& context) noexcept;

// One message from the parent and the descriptor that may come with it; false with errno set, which is
// 0 when the parent has gone.
bool receive_text(const Context& context, char* text, size_t capacity, Fd& fd) noexcept;

// Asks the parent for entry `number` of the plan's sources; `mount` goes along where init has made it.
// Afterwards it is mapped, or, where there was none, the source's detached mount.
Failure ask_parent(const Context& context, uint32_t number, Fd& mount) noexcept;

// The runtime's own procfs, mounted nowhere; made on first use. -1 with errno set.
int private_proc(Context& context) noexcept;

// True for the root of a procfs: PROC_ROOT_INO of the kernel, any other directory there has another
// number.
bool is_procfs_root(int fd) noexcept;

// Pointers to the texts of a list, `extra` more that are null, and a null behind them; null with errno set. Not from
// the heap: tsrun-init has none.
char** pointers_to(const TextList& list, uint32_t extra = 0) noexcept;

// The last thing before execve of the program or of a startContainer hook: the filter that is not loaded yet, and
// the end of the privilege that it took.
Failure enter_filter(const Context& context) noexcept;

// Lets the signals that ask a process to end do that to process 1 of a pid namespace as well, which without a
// handler would not notice (pid_namespaces(7)). Ends with execve.
void obey_ends() noexcept;

}  // namespace tsrun
