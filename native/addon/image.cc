// Images: blobs, layers, the overlay that they are stacked in, and the trees that they become.
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>

#include "addon/failure.h"
#include "addon_functions.h"
#include "image/blob.h"
#include "image/overlay.h"
#include "image/refused.h"
#include "image/sha256.h"
#include "image/tree.h"
#include "image/unpack.h"
#include "sys/fd.h"
#include "sys/syscall.h"

namespace tsrun {
namespace {

Fd open_directory(const std::string& path) {
  Fd fd{open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!fd) throw_errno("open", path);
  return fd;
}

}  // namespace

std::string machine_name() {
  utsname name;
  if (uname(&name) < 0) throw_errno("uname");
  return name.machine;
}

std::string sha256(const std::string& text) {
  Sha256 hash;
  hash.update(text.data(), text.size());
  return hash.hex();
}

ImageResult store_image_blob(int32_t source, const std::string& target, double limit) {
  try {
    const StoredBlob blob = store_blob(source, target, static_cast<uint64_t>(limit));
    return {blob.digest, static_cast<double>(blob.size), "", ""};
  } catch (const RefusedImage& refused) {
    return {"", 0, refused.entry, refused.words};
  }
}

ImageResult unpack_archive(const UnpackRequest& request) {
  const UnpackOptions options{request.blob,
                              request.root,
                              static_cast<uint64_t>(request.max_bytes),
                              static_cast<uint64_t>(request.max_entries),
                              request.devices,
                              request.layer};
  try {
    return {unpack(options), 0, "", ""};
  } catch (const RefusedImage& refused) {
    return {"", 0, refused.entry, refused.words};
  }
}

int32_t open_overlay(const OverlayRequest& request) {
  return open_overlay(Overlay{request.lowers, request.upper, request.work, request.user,
                              request.passing, request.grows});
}

void attach_mount(int32_t mount, const std::string& path) {
  if (sys::move_mount(mount, "", AT_FDCWD, path.c_str(), MOVE_MOUNT_F_EMPTY_PATH) < 0)
    throw_errno("move_mount", path);
}

// False where nothing is mounted. What is in use goes when its last user does.
bool detach_mount(const std::string& path) {
  if (umount2(path.c_str(), UMOUNT_NOFOLLOW) == 0) return true;
  if (errno == EBUSY && umount2(path.c_str(), UMOUNT_NOFOLLOW | MNT_DETACH) == 0) return true;
  if (errno == EINVAL || errno == ENOENT) return false;
  throw_errno("umount", path);
}

void copy_tree(const std::string& from, const std::string& to) {
  const Fd source = open_directory(from), target = open_directory(to);
  copy_tree(source.get(), target.get());
}

void remove_tree(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos || slash + 1 == path.size()) throw_failure("unlink", EINVAL, path);
  const Fd directory = open_directory(slash == 0 ? "/" : path.substr(0, slash));
  remove_tree(directory.get(), path.substr(slash + 1));
}

// A regular file; -1 where there is none.
int32_t open_in_root(const std::string& root, const std::string& path) {
  const Fd directory = open_directory(root);
  Fd file{sys::openat2(directory.get(), path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY,
                       RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS)};
  if (!file && (errno == ENOENT || errno == ENOTDIR)) return -1;
  struct stat info;
  if (!file || fstat(file.get(), &info) < 0) throw_errno("open", path);
  if (!S_ISREG(info.st_mode)) throw_failure("open", EINVAL, path);
  return file.release();
}

void sync_path(const std::string& path, bool file_system) {
  const Fd fd{open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!fd || (file_system ? syncfs(fd.get()) : fsync(fd.get())) < 0) throw_errno("fsync", path);
}

void write_archive(int32_t fd, const std::vector<TextPair>& files) { write_tar(fd, files); }

}  // namespace tsrun
