// Messages of Unix sockets with at most one descriptor attached (SCM_RIGHTS, unix(7)); EINTR is retried.
#pragma once
#include <sys/socket.h>
#include <sys/types.h>

#include "sys/fd.h"

namespace tsrun {

// Sends all of a message, with a copy of `fd` unless it is negative. False with errno set.
bool send_message(int socket, const void* data, size_t size, int fd) noexcept;

// What recvmsg(2) returns, with `flags`; `fd` gets the attached descriptor (close-on-exec), or nothing.
ssize_t receive_message(int socket, void* data, size_t capacity, int flags, Fd& fd) noexcept;

}  // namespace tsrun
