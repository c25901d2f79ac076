// Files that are known by their SHA-256, and the tar that they are exported in.
#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace tsrun {

struct StoredBlob {
  std::string digest;  // SHA-256, 64 hexadecimal digits
  uint64_t size;
};

// Copies what is left of a file or pipe to a new file, which is on the disk when this returns.
// More than `limit` bytes are refused. Throws RefusedImage, SyscallFailure.
StoredBlob store_blob(int source, const std::string& target, uint64_t limit);

// Writes a tar (POSIX ustar) of regular files: names in it, and where they are. Throws SyscallFailure.
void write_tar(int fd, const std::vector<std::pair<std::string, std::string>>& files);

}  // namespace tsrun
