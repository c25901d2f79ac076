// A session keyring of a process's own, by a name.
#pragma once
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace tsrun {

// Joins the session keyring of this name, or makes it; what is executed from here on has it too. Negative: errno says why.
inline long join_session_keyring(const char* name) noexcept {
  constexpr int kJoinSessionKeyring = 1;
  constexpr int kSetPermissions = 5;
  // What the kernel gives a new session keyring (possessor: all; user: view, read, link), and search,
  // without which `exec` could not join it by name.
  constexpr uint32_t kJoinable = 0x3f130000 | 0x00080000;
  const long serial = ::syscall(SYS_keyctl, kJoinSessionKeyring, name);
  if (serial >= 0) (void)::syscall(SYS_keyctl, kSetPermissions, serial, kJoinable);
  return serial;
}

}  // namespace tsrun
