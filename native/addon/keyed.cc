// Files that hold a key and the data that belongs to it: a cache that cannot mix up its entries.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

#include "addon/exports.h"
#include "addon/failure_js.h"
#include "sys/fd.h"

namespace tsrun {

Napi::Value hash_text(const Napi::CallbackInfo& info) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : info[0].As<Napi::String>().Utf8Value())
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  char text[17];
  (void)snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(hash));
  return Napi::String::New(info.Env(), text);
}

// The file is the key, a NUL, the data.
Napi::Value read_keyed(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::string path = text_argument(info, 0);
  const std::string key = text_argument(info, 1);
  Fd fd{open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)};
  if (!fd && (errno == ENOENT || errno == ENOTDIR)) return env.Undefined();
  struct stat data;
  if (!fd || fstat(fd.get(), &data) < 0) throw_errno(env, "open", path);
  std::string text(static_cast<size_t>(data.st_size), '\0');
  if (read(fd.get(), text.data(), text.size()) != data.st_size) return env.Undefined();
  if (text.size() <= key.size() || memcmp(text.c_str(), key.c_str(), key.size() + 1) != 0)
    return env.Undefined();
  const size_t size = text.size() - key.size() - 1;
  Napi::Uint8Array bytes = Napi::Uint8Array::New(env, size);
  if (size > 0) memcpy(bytes.Data(), text.data() + key.size() + 1, size);
  return bytes;
}

void write_keyed(const Napi::CallbackInfo& info) {
  const std::string path = text_argument(info, 0);
  std::string text = text_argument(info, 1);
  const auto data = info[2].As<Napi::Uint8Array>();
  text.push_back('\0');
  text.append(reinterpret_cast<const char*>(data.Data()), data.ByteLength());
  // Two writers at once each have a file of their own; the last rename wins, and both are right.
  std::string beside = path + ".XXXXXX";
  Fd fd{mkostemp(beside.data(), O_CLOEXEC)};
  if (!fd) throw_errno(info.Env(), "mkostemp", beside);
  const bool written =
      write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
  if (written && rename(beside.c_str(), path.c_str()) == 0) return;
  const int error = errno;
  (void)unlink(beside.c_str());
  throw_failure(info.Env(), "write", error, path);
}

}  // namespace tsrun
