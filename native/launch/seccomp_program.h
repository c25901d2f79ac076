// Compiles a syscall filter to BPF with libseccomp. Host side only: nothing of it is in tsrun-init.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "addon_records.h"

namespace tsrun::seccomp {

// Writes struct sock_filter[] to `bpf`; false with the reason in `error`. Names that libseccomp does
// not know are skipped unless `fail_unknown` is set, since profiles name the syscalls of many kernels.
bool compile(const SeccompRequest& request, std::vector<uint8_t>& bpf, std::string& error);

// major.minor.micro of libseccomp.
std::string library_version();

}  // namespace tsrun::seccomp
