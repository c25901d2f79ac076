// Files that hold a key and the data that belongs to it: a cache that cannot mix up its entries.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

#include "addon/failure.h"
#include "addon_functions.h"
#include "sys/fd.h"

namespace tsrun {

std::string hash_text(const std::string& text) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  char digits[17];
  (void)snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(hash));
  return digits;
}

// The file is the key, a NUL, the data.
std::optional<std::vector<uint8_t>> read_keyed(const std::string& path, const std::string& key) {
  Fd fd{open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)};
  if (!fd && (errno == ENOENT || errno == ENOTDIR)) return std::nullopt;
  struct stat data;
  if (!fd || fstat(fd.get(), &data) < 0) throw_errno("open", path);
  std::string text(static_cast<size_t>(data.st_size), '\0');
  if (read(fd.get(), text.data(), text.size()) != data.st_size) return std::nullopt;
  if (text.size() <= key.size() || memcmp(text.c_str(), key.c_str(), key.size() + 1) != 0)
    return std::nullopt;
  return std::vector<uint8_t>(text.begin() + static_cast<ptrdiff_t>(key.size()) + 1, text.end());
}

void write_keyed(const std::string& path, const std::string& key, std::span<const uint8_t> data) {
  std::string text = key;
  text.push_back('\0');
  text.append(reinterpret_cast<const char*>(data.data()), data.size());
  // Two writers at once each have a file of their own; the last rename wins, and both are right.
  std::string beside = path + ".XXXXXX";
  Fd fd{mkostemp(beside.data(), O_CLOEXEC)};
  if (!fd) throw_errno("mkostemp", beside);
  const bool written =
      write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
  if (written && rename(beside.c_str(), path.c_str()) == 0) return;
  const int error = errno;
  (void)unlink(beside.c_str());
  throw_failure("write", error, path);
}

}  // namespace tsrun
