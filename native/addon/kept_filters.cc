// Compiled seccomp filters in files: libseccomp takes many milliseconds for Docker's default profile, and nearly all containers
// of a host have the same one.
#include "addon/kept_filters.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "sys/directory.h"
#include "sys/fd.h"

namespace tsrun {
namespace {

// More filters than this are a sign of generated profiles: then the cache begins anew.
constexpr size_t kCapacity = 64;
constexpr size_t kHashSize = 16;

// 64 bits as hexadecimal digits: against accidents, not for trust.
std::string hash(std::string_view text) {
  uint64_t value = text.size();
  for (size_t at = 0; at < text.size(); at += sizeof value) {
    uint64_t word = 0;
    memcpy(&word, text.data() + at, std::min(sizeof word, text.size() - at));
    value = (value ^ word) * 0x9e3779b97f4a7c15;
    value ^= value >> 32;
  }
  char digits[kHashSize + 1];
  (void)snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(value));
  return digits;
}

std::string path_of(const std::string& directory, const std::string& key) {
  return directory + "/" + hash(key);
}

// A directory that only this user can write to: what lies in it is loaded as a filter.
bool is_trusted(const std::string& directory) {
  struct stat data;
  return lstat(directory.c_str(), &data) == 0 && S_ISDIR(data.st_mode) &&
         data.st_uid == geteuid() && (data.st_mode & 022) == 0;
}

// A file is the hash of all that follows, the key, a NUL, the filter. The key must be the same to the letter: no two profiles
// can be taken for each other; and what a loss of power has left of a file is no entry. Empty where there is none.
std::vector<uint8_t> read_entry(const std::string& path, const std::string& key) {
  const Fd fd{open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)};
  struct stat data;
  if (!fd || fstat(fd.get(), &data) < 0) return {};
  std::string text(static_cast<size_t>(data.st_size), '\0');
  if (read(fd.get(), text.data(), text.size()) != data.st_size) return {};
  const std::string_view all = text;
  const size_t begin = kHashSize + key.size() + 1;
  if (all.size() < begin || all.substr(kHashSize, key.size()) != key || all[begin - 1] != 0 ||
      all.substr(0, kHashSize) != hash(all.substr(kHashSize)))
    return {};
  return {text.begin() + static_cast<std::ptrdiff_t>(begin), text.end()};
}

}  // namespace

std::vector<uint8_t> find_filter(const std::string& directory, const std::string& key) {
  return is_trusted(directory) ? read_entry(path_of(directory, key), key) : std::vector<uint8_t>{};
}

// Whatever goes wrong only costs time: the next container compiles again.
void keep_filter(const std::string& directory, const std::string& key,
                 const std::vector<uint8_t>& program) {
  (void)mkdir(directory.c_str(), 0700);
  if (!is_trusted(directory)) return;
  std::vector<std::string> names;
  if (Directory listed{opendir(directory.c_str())})
    while (const dirent* entry = listed.next()) names.emplace_back(entry->d_name);
  if (names.size() >= kCapacity)
    for (const std::string& name : names)
      (void)unlink(std::string(directory).append("/").append(name).c_str());
  std::string text = key;
  text.push_back('\0');
  text.append(program.begin(), program.end());
  text.insert(0, hash(text));
  const std::string path = path_of(directory, key);
  // Two writers at once each have a file of their own; the last rename wins, and both are right.
  std::string beside = path + ".XXXXXX";
  const Fd fd{mkostemp(beside.data(), O_CLOEXEC)};
  if (!fd) return;
  const auto size = static_cast<ssize_t>(text.size());
  if (write(fd.get(), text.data(), text.size()) != size || rename(beside.c_str(), path.c_str()) < 0)
    (void)unlink(beside.c_str());
}

}  // namespace tsrun
