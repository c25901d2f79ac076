// Files of the host: configuration, state, cgroups. Never used on a path below a rootfs.
#include <dirent.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>

#include "addon/exports.h"
#include "addon/failure_js.h"
#include "sys/fd.h"

namespace tsrun {
namespace {

bool write_all(int fd, const char* data, size_t size) {
  while (size > 0) {
    const ssize_t written = write(fd, data, size);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    data += written;
    size -= static_cast<size_t>(written);
  }
  return true;
}

}  // namespace

Napi::Value read_file(const Napi::CallbackInfo& info) {
  const std::string path = text_argument(info, 0);
  const size_t limit = static_cast<size_t>(int_argument(info, 1));
  Fd fd{open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY)};
  if (!fd) throw_errno(info.Env(), "open", path);
  std::string text;
  size_t size = 0;
  for (;;) {
    if (size == text.size()) text.resize(text.empty() ? 16384 : text.size() * 2);
    const ssize_t got = read(fd.get(), text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw_errno(info.Env(), "read", path);
    if (got == 0) break;
    size += static_cast<size_t>(got);
    if (size > limit) throw_failure(info.Env(), "read", EFBIG, path);
  }
  return Napi::String::New(info.Env(), text.data(), size);
}

void write_file(const Napi::CallbackInfo& info) {
  const std::string path = text_argument(info, 0);
  const std::string text = info[1].As<Napi::String>().Utf8Value();
  Fd fd{open(path.c_str(), int_argument(info, 2) | O_CLOEXEC | O_NOCTTY,
             static_cast<mode_t>(int_argument(info, 3)))};
  if (!fd) throw_errno(info.Env(), "open", path);
  if (!write_all(fd.get(), text.data(), text.size())) throw_errno(info.Env(), "write", path);
}

// The old contents or the new ones, never a part: written beside and renamed.
void replace_file(const Napi::CallbackInfo& info) {
  const std::string path = text_argument(info, 0);
  const std::string text = info[1].As<Napi::String>().Utf8Value();
  const size_t name = path.rfind('/') + 1;
  const std::string beside = path.substr(0, name) + "." + path.substr(name);
  (void)unlink(beside.c_str());
  Fd fd{open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
             static_cast<mode_t>(int_argument(info, 2)))};
  if (!fd) throw_errno(info.Env(), "open", beside);
  if (write_all(fd.get(), text.data(), text.size()) && rename(beside.c_str(), path.c_str()) == 0)
    return;
  const int error = errno;
  (void)unlink(beside.c_str());
  throw_failure(info.Env(), "write", error, path);
}

void write_out(const Napi::CallbackInfo& info) {
  const std::string text = info[1].As<Napi::String>().Utf8Value();
  if (!write_all(int_argument(info, 0), text.data(), text.size()))
    throw_errno(info.Env(), "write", "standard output");
}

void make_directory(const Napi::CallbackInfo& info) {
  const std::string path = text_argument(info, 0);
  if (mkdir(path.c_str(), static_cast<mode_t>(int_argument(info, 1))) < 0)
    throw_errno(info.Env(), "mkdir", path);
}

void rename_file(const Napi::CallbackInfo& info) {
  const std::string from = text_argument(info, 0), to = text_argument(info, 1);
  if (rename(from.c_str(), to.c_str()) < 0) throw_errno(info.Env(), "rename", from);
}

void remove_file(const Napi::CallbackInfo& info) {
  const std::string path = text_argument(info, 0);
  if (unlink(path.c_str()) < 0 && errno != ENOENT) throw_errno(info.Env(), "unlink", path);
}

void remove_directory(const Napi::CallbackInfo& info) {
  const std::string path = text_argument(info, 0);
  if (rmdir(path.c_str()) < 0 && errno != ENOENT) throw_errno(info.Env(), "rmdir", path);
}

Napi::Value list_directory(const Napi::CallbackInfo& info) {
  const std::string path = text_argument(info, 0);
  DIR* dir = opendir(path.c_str());
  if (dir == nullptr) throw_errno(info.Env(), "opendir", path);
  Napi::Array names = Napi::Array::New(info.Env());
  uint32_t count = 0;
  while (const dirent* entry = readdir(dir)) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.Set(count++, name);
  }
  (void)closedir(dir);
  return names;
}

Napi::Value real_path(const Napi::CallbackInfo& info) {
  const std::string path = text_argument(info, 0);
  const std::unique_ptr<char, decltype(&free)> real(realpath(path.c_str(), nullptr), free);
  if (!real) throw_errno(info.Env(), "realpath", path);
  return Napi::String::New(info.Env(), real.get());
}

// undefined when there is nothing there.
Napi::Value file_info(const Napi::CallbackInfo& info) {
  const std::string path = text_argument(info, 0);
  struct stat data;
  if (lstat(path.c_str(), &data) < 0) {
    if (errno == ENOENT || errno == ENOTDIR) return info.Env().Undefined();
    throw_errno(info.Env(), "lstat", path);
  }
  Napi::Object result = Napi::Object::New(info.Env());
  const char* type = S_ISREG(data.st_mode)    ? "file"
                     : S_ISDIR(data.st_mode)  ? "directory"
                     : S_ISLNK(data.st_mode)  ? "link"
                     : S_ISSOCK(data.st_mode) ? "socket"
                                              : "other";
  result.Set("type", type);
  result.Set("mode", static_cast<double>(data.st_mode & 07777));
  result.Set("uid", static_cast<double>(data.st_uid));
  return result;
}

Napi::Value same_file(const Napi::CallbackInfo& info) {
  struct stat one, other;
  const bool same = stat(text_argument(info, 0).c_str(), &one) == 0 &&
                    stat(text_argument(info, 1).c_str(), &other) == 0 &&
                    one.st_ino == other.st_ino && one.st_dev == other.st_dev;
  return Napi::Boolean::New(info.Env(), same);
}

Napi::Value has_attribute(const Napi::CallbackInfo& info) {
  const std::string path = text_argument(info, 0);
  const bool has = getxattr(path.c_str(), text_argument(info, 1).c_str(), nullptr, 0) >= 0;
  return Napi::Boolean::New(info.Env(), has);
}

Napi::Value open_file(const Napi::CallbackInfo& info) {
  const std::string path = text_argument(info, 0);
  const int fd = open(path.c_str(), int_argument(info, 1) | O_CLOEXEC | O_NOCTTY);
  if (fd < 0) throw_errno(info.Env(), "open", path);
  return Napi::Number::New(info.Env(), fd);
}

void close_file(const Napi::CallbackInfo& info) { (void)close(int_argument(info, 0)); }

Napi::Value memory_file(const Napi::CallbackInfo& info) {
  const std::string text = info[1].As<Napi::String>().Utf8Value();
  Fd fd{memfd_create(text_argument(info, 0).c_str(), MFD_CLOEXEC)};
  if (!fd || !write_all(fd.get(), text.data(), text.size()) || lseek(fd.get(), 0, SEEK_SET) < 0)
    throw_errno(info.Env(), "memfd_create");
  return Napi::Number::New(info.Env(), fd.release());
}

Napi::Value read_tail(const Napi::CallbackInfo& info) {
  const int fd = int_argument(info, 0);
  const off_t size = lseek(fd, 0, SEEK_END);
  std::string text(static_cast<size_t>(std::min<off_t>(size, int_argument(info, 1))), '\0');
  if (size < 0 || pread(fd, text.data(), text.size(), size - static_cast<off_t>(text.size())) < 0)
    throw_errno(info.Env(), "pread");
  return Napi::String::New(info.Env(), text);
}

// A lock on a directory's descriptor; false when somebody else holds it and `wait` is false.
Napi::Value lock_file(const Napi::CallbackInfo& info) {
  const bool wait = info[1].As<Napi::Boolean>().Value();
  int result;
  do result = flock(int_argument(info, 0), LOCK_EX | (wait ? 0 : LOCK_NB));
  while (result < 0 && errno == EINTR);
  if (result < 0 && errno != EWOULDBLOCK) throw_errno(info.Env(), "flock");
  return Napi::Boolean::New(info.Env(), result == 0);
}

// Takes the lock in a thread of its own, for a caller who must not be blocked: an eventfd that becomes
// readable then. The thread has copies of both descriptors; the lock belongs to all of them.
Napi::Value lock_in_background(const Napi::CallbackInfo& info) {
  Fd notice{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  if (!notice) throw_errno(info.Env(), "eventfd");
  const int lock = fcntl(int_argument(info, 0), F_DUPFD_CLOEXEC, 3);
  if (lock < 0) throw_errno(info.Env(), "fcntl");
  const int done = fcntl(notice.get(), F_DUPFD_CLOEXEC, 3);
  if (done < 0) {
    (void)close(lock);
    throw_errno(info.Env(), "fcntl");
  }
  std::thread([lock, done] {
    while (flock(lock, LOCK_EX) < 0 && errno == EINTR) {
    }
    (void)eventfd_write(done, 1);
    (void)close(done);
    (void)close(lock);
  }).detach();
  return Napi::Number::New(info.Env(), notice.release());
}

void change_owner(const Napi::CallbackInfo& info) {
  const std::string path = text_argument(info, 0);
  const auto uid = static_cast<uid_t>(info[1].As<Napi::Number>().Int64Value());
  const auto gid = static_cast<gid_t>(info[2].As<Napi::Number>().Int64Value());
  if (lchown(path.c_str(), uid, gid) < 0) throw_errno(info.Env(), "lchown", path);
}

}  // namespace tsrun
