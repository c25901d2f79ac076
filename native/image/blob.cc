// Stores blobs, and writes those of an image to a tar.
#include "image/blob.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "addon/failure.h"
#include "image/refused.h"
#include "image/sha256.h"
#include "sys/fd.h"

namespace tsrun {
namespace {

constexpr size_t kBuffer = 256 << 10;
constexpr size_t kRecord = 512;

// 0 at the end.
size_t read_some(int fd, std::vector<char>& buffer, const std::string& path) {
  ssize_t got;
  do got = read(fd, buffer.data(), buffer.size());
  while (got < 0 && errno == EINTR);
  if (got < 0) throw_errno("read", path);
  return static_cast<size_t>(got);
}

void write_all(int fd, const char* data, size_t size, const std::string& path) {
  while (size > 0) {
    const ssize_t written = write(fd, data, size);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw_errno("write", path);
    data += written;
    size -= static_cast<size_t>(written);
  }
}

// pax(1), "ustar Interchange Format"; sizes from 8 GiB on in base 256, as all readers know it.
void write_header(int fd, const std::string& name, uint64_t size) {
  char header[kRecord] = {};
  if (name.size() > 100) throw_failure("write", ENAMETOOLONG, name);
  memcpy(header, name.data(), name.size());
  memcpy(header + 100, "0000644\0000000000\0000000000", 24);
  if (size < 1ULL << 33) {
    (void)snprintf(header + 124, 12, "%011llo", static_cast<unsigned long long>(size));
  } else {
    header[124] = static_cast<char>(0x80);
    for (int i = 0; i < 8; i++) header[135 - i] = static_cast<char>(size >> (8 * i));
  }
  memcpy(header + 136, "00000000000", 12);
  memset(header + 148, ' ', 8);
  header[156] = '0';
  memcpy(header + 257, "ustar\00000", 8);
  unsigned sum = 0;
  for (const char byte : header) sum += static_cast<unsigned char>(byte);
  (void)snprintf(header + 148, 8, "%06o", sum);
  write_all(fd, header, sizeof header, "archive");
}

}  // namespace

StoredBlob store_blob(int source, const std::string& target, uint64_t limit) {
  const Fd file{open(target.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644)};
  if (!file) throw_errno("open", target);
  std::vector<char> buffer(kBuffer);
  Sha256 hash;
  uint64_t size = 0;
  while (const size_t got = read_some(source, buffer, "blob")) {
    size += got;
    if (size > limit)
      refuse_image("", "the blob has more than " + std::to_string(limit) + " bytes");
    hash.update(buffer.data(), got);
    write_all(file.get(), buffer.data(), got, target);
  }
  if (fsync(file.get()) < 0) throw_errno("fsync", target);
  return {hash.hex(), size};
}

void write_tar(int fd, const std::vector<std::pair<std::string, std::string>>& files) {
  std::vector<char> buffer(kBuffer);
  const std::vector<char> zeros(2 * kRecord);
  for (const auto& [name, path] : files) {
    const Fd file{open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    struct stat info;
    if (!file || fstat(file.get(), &info) < 0) throw_errno("open", path);
    const auto size = static_cast<uint64_t>(info.st_size);
    write_header(fd, name, size);
    uint64_t done = 0;
    while (const size_t got = read_some(file.get(), buffer, path)) {
      done += got;
      if (done > size) throw_failure("read", EFBIG, path);
      write_all(fd, buffer.data(), got, "archive");
    }
    if (done != size) throw_failure("read", EIO, path);
    write_all(fd, zeros.data(), (kRecord - size % kRecord) % kRecord, "archive");
  }
  write_all(fd, zeros.data(), zeros.size(), "archive");
}

}  // namespace tsrun
