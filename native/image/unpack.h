// Unpacks a layer, or the archive that an image comes in, into a directory.
#pragma once
#include <cstdint>
#include <string>

namespace tsrun {

struct UnpackOptions {
  int blob;            // read from where it stands
  int root;            // directory that it goes into
  uint64_t max_bytes;  // of the tar, and of all files together with their holes
  uint64_t max_entries;
  bool devices;  // may be made
  bool layer;    // whiteouts hide; else only files, directories and links are taken, for this user
};

// SHA-256 of the tar in hexadecimal digits. Throws RefusedImage with the entry, SyscallFailure.
std::string unpack(const UnpackOptions& options);

}  // namespace tsrun
