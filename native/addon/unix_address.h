// Addresses of Unix sockets of any length.
#pragma once
#include <sys/un.h>

#include <string>

#include "sys/fd.h"

namespace tsrun {

// sun_path holds 107 bytes; a longer path is reached through its directory's descriptor, which
// `dir` keeps open. False with errno set.
bool fill_address(const std::string& path, sockaddr_un& address, Fd& dir);

}  // namespace tsrun
