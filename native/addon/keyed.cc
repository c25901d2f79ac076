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

namespace {

constexpr size_t kHashSize = 16;

// 64-bit FNV-1a as hexadecimal digits: against accidents, not for trust.
std::string hash(std::string_view text) {
  uint64_t value = 0xcbf29ce484222325;
  for (const char c : text) value = (value ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  char digits[kHashSize + 1];
  (void)snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(value));
  return digits;
}

}  // namespace

std::string hash_text(const std::string& text) { return hash(text); }

// The file is the hash of all that follows, the key, a NUL, the data: what a loss of power has left of it is no entry.
std::optional<std::vector<uint8_t>> read_keyed(const std::string& path, const std::string& key) {
  Fd fd{open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)};
  if (!fd && (errno == ENOENT || errno == ENOTDIR)) return std::nullopt;
  struct stat data;
  if (!fd || fstat(fd.get(), &data) < 0) throw_errno("open", path);
  std::string text(static_cast<size_t>(data.st_size), '\0');
  if (read(fd.get(), text.data(), text.size()) != data.st_size) return std::nullopt;
  const std::string_view all = text;
  const size_t begin = kHashSize + key.size() + 1;
  if (all.size() < begin || all.substr(kHashSize, key.size()) != key || all[begin - 1] != 0 ||
      all.substr(0, kHashSize) != hash(all.substr(kHashSize)))
    return std::nullopt;
  return std::vector<uint8_t>(text.begin() + static_cast<ptrdiff_t>(begin), text.end());
}

void write_keyed(const std::string& path, const std::string& key, std::span<const uint8_t> data) {
  std::string text = key;
  text.push_back('\0');
  text.append(reinterpret_cast<const char*>(data.data()), data.size());
  text.insert(0, hash(text));
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
