// Makes what an entry of a layer describes.
#include "image/entry.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>

#include "addon/failure.h"
#include "image/refused.h"
#include "sys/fd.h"
#include "sys/syscall.h"

namespace tsrun {
namespace {

// image-spec, layer.md "Whiteouts"; what begins with `.wh..wh.` else is aufs's own and no file.
constexpr std::string_view kWhiteout = ".wh.", kOpaque = ".wh..wh..opq", kAufs = ".wh..wh.";
constexpr int64_t kMaxId = 0xfffffffe;  // (uid_t)-1 means none

constexpr uint64_t kBelow = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;

struct Times {
  timespec both[2];
};

// The archive has no time of access: that of the change stands for it.
Times times_of(archive_entry* entry) {
  const timespec changed{archive_entry_mtime(entry), archive_entry_mtime_nsec(entry)};
  return {{changed, changed}};
}

mode_t mode_of(archive_entry* entry) { return archive_entry_perm(entry) & 07777; }

uint32_t id_of(int64_t id, const std::string& entry) {
  if (id < 0 || id > kMaxId)
    refuse_image(entry, "its owner is no user or group id: " + std::to_string(id));
  return static_cast<uint32_t>(id);
}

// A path for calls that take no descriptor of a directory: of what has just been made there.
std::string through_proc(int directory, const std::string& name) {
  return "/proc/self/fd/" + std::to_string(directory) + "/" + name;
}

// Of overlayfs: they would make a layer show other places of the layers below.
bool is_of_overlay(std::string_view name) {
  return name.starts_with("trusted.overlay.") || name.starts_with("user.overlay.");
}

// The host's policy labels files, not the image's.
bool is_of_host(std::string_view name) {
  return name == "security.selinux" || name == "system.nfs4_acl";
}

}  // namespace

std::string words_of(archive* reader) {
  const char* words = archive_error_string(reader);
  return words == nullptr ? "libarchive does not say why" : words;
}

void EntryWriter::write(archive_entry* entry) {
  const char* raw = archive_entry_pathname(entry);
  const std::string name = raw == nullptr ? "" : raw;
  std::string path = clean_entry_path(name, name.c_str());
  if (path.empty()) return write_root(entry, name);
  if (options_.layer && whiteout(name, path)) return;
  Place::Split split = Place::split(path);
  const int directory = place_.directory(split.directory, name);
  const char* hard_link = archive_entry_hardlink(entry);
  const mode_t type = hard_link != nullptr ? 0 : archive_entry_filetype(entry);
  const bool again = !place_.note(path);
  const bool kept = place_.make_room(directory, split.name, type == AE_IFDIR, name);
  if (again && !kept) refuse_image(name, "it is there twice");
  const Target target{name, std::move(path), std::move(split.name), directory};
  if (hard_link != nullptr) return write_hard_link(hard_link, target);
  switch (type) {
    case AE_IFREG:
      return write_file(entry, target);
    case AE_IFDIR:
      return write_directory(entry, target);
    case AE_IFLNK:
      return write_link(entry, target);
    case AE_IFCHR:
    case AE_IFBLK:
    case AE_IFIFO:
      return write_device(entry, target);
    default:
      refuse_image(name, "it is of a type that no file has");
  }
}

// True for an entry that only hides.
bool EntryWriter::whiteout(const std::string& entry, const std::string& path) {
  const Place::Split split = Place::split(path);
  if (!std::string_view(split.name).starts_with(kWhiteout)) return false;
  if (split.name == kOpaque) {
    if (place_.existing_directory(split.directory, entry) >= 0)
      place_.hide_contents(split.directory, entry);
    return true;
  }
  if (std::string_view(split.name).starts_with(kAufs)) return true;
  const std::string hidden = split.name.substr(kWhiteout.size());
  if (hidden.empty() || hidden == "." || hidden == "..") refuse_image(entry, "it hides no name");
  place_.hide(split.directory.empty() ? hidden : split.directory + "/" + hidden, entry);
  return true;
}

void EntryWriter::write_root(archive_entry* entry, const std::string& name) {
  if (archive_entry_hardlink(entry) != nullptr || archive_entry_filetype(entry) != AE_IFDIR)
    refuse_image(name, "it is in the place of the root directory");
  (void)place_.note("");
  if (!options_.layer) return;
  const Target target{name, "", ".", options_.root};
  drop_attributes(target);
  set_owner_and_mode(entry, target);
  set_attributes(entry, target);
  place_.keep_times("", times_of(entry).both, name);
}

void EntryWriter::count_bytes(int64_t size, const std::string& entry) {
  if (size < 0) refuse_image(entry, "its size is negative");
  bytes_ += static_cast<uint64_t>(size);
  if (bytes_ > options_.max_bytes)
    refuse_image(
        entry, "with it the files have more than " + std::to_string(options_.max_bytes) + " bytes");
}

void EntryWriter::write_file(archive_entry* entry, const Target& target) {
  const int64_t size = archive_entry_size(entry);
  count_bytes(size, target.entry);
  const Fd file{openat(target.directory, target.name.c_str(),
                       O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)};
  if (!file) throw_errno("open", target.entry);
  write_data(file.get(), size, target);
  if (!options_.layer) return;
  // Whoever writes to a file or gives it away takes its set-user-ID bit and its capabilities.
  if (fchown(file.get(), id_of(archive_entry_uid(entry), target.entry),
             id_of(archive_entry_gid(entry), target.entry)) < 0)
    throw_errno("chown", target.entry);
  if (fchmod(file.get(), mode_of(entry)) < 0) throw_errno("chmod", target.entry);
  set_attributes(entry, target);
  if (futimens(file.get(), times_of(entry).both) < 0) throw_errno("utimensat", target.entry);
}

// What the archive leaves out is a hole.
void EntryWriter::write_data(int file, int64_t size, const Target& target) {
  const void* data;
  size_t length;
  la_int64_t offset;
  int64_t end = 0;
  int result;
  while ((result = archive_read_data_block(reader_, &data, &length, &offset)) == ARCHIVE_OK) {
    if (offset < 0 || offset > size || static_cast<int64_t>(length) > size - offset)
      refuse_image(target.entry, "it has more data than its size says");
    const char* from = static_cast<const char*>(data);
    for (size_t done = 0; done < length;) {
      const ssize_t written =
          pwrite(file, from + done, length - done, offset + static_cast<off_t>(done));
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) throw_errno("write", target.entry);
      done += static_cast<size_t>(written);
    }
    end = offset + static_cast<int64_t>(length);
  }
  if (result != ARCHIVE_EOF) refuse_image(target.entry, words_of(reader_));
  if (end < size && ftruncate(file, size) < 0) throw_errno("ftruncate", target.entry);
}

void EntryWriter::write_directory(archive_entry* entry, const Target& target) {
  const bool is_new = mkdirat(target.directory, target.name.c_str(), 0700) == 0;
  if (!is_new && errno != EEXIST) throw_errno("mkdir", target.entry);
  if (!options_.layer) return;
  if (!is_new) drop_attributes(target);
  set_owner_and_mode(entry, target);
  set_attributes(entry, target);
  place_.keep_times(target.path, times_of(entry).both, target.entry);
}

void EntryWriter::write_hard_link(const char* to, const Target& target) {
  const std::string path = clean_entry_path(target.entry + " (hard link to " + to + ")", to);
  const Place::Split split = Place::split(path);
  const Fd directory{sys::openat2(options_.root,
                                  split.directory.empty() ? "." : split.directory.c_str(),
                                  O_PATH | O_DIRECTORY, kBelow)};
  // Without AT_SYMLINK_FOLLOW the last component is what it is.
  if (directory &&
      linkat(directory.get(), split.name.c_str(), target.directory, target.name.c_str(), 0) == 0)
    return;
  switch (errno) {
    case ENOENT:
    case ENOTDIR:
      refuse_image(target.entry, std::string("it is a hard link to nothing: ") + to);
    case EXDEV:
      refuse_image(target.entry,
                   std::string("it is a hard link that leads out of the root: ") + to);
    case EPERM:
      refuse_image(target.entry, std::string("it is a hard link to what can have none: ") + to);
    default:
      throw_errno("link", target.entry);
  }
}

void EntryWriter::write_link(archive_entry* entry, const Target& target) {
  const char* to = archive_entry_symlink(entry);
  if (to == nullptr || *to == 0)
    refuse_image(target.entry, "it is a symbolic link to an empty name");
  if (symlinkat(to, target.directory, target.name.c_str()) < 0) {
    if (errno == ENAMETOOLONG)
      refuse_image(target.entry, "it is a symbolic link to too long a name");
    throw_errno("symlink", target.entry);
  }
  if (!options_.layer) return;
  set_owner_and_mode(entry, target);
  set_attributes(entry, target);
  if (utimensat(target.directory, target.name.c_str(), times_of(entry).both, AT_SYMLINK_NOFOLLOW) <
      0)
    throw_errno("utimensat", target.entry);
}

void EntryWriter::write_device(archive_entry* entry, const Target& target) {
  const mode_t type = archive_entry_filetype(entry);
  const bool is_pipe = type == AE_IFIFO;
  if (!options_.layer) refuse_image(target.entry, "it is a device or a pipe");
  if (!is_pipe && !options_.devices)
    refuse_image(target.entry, "it is a device, which only root can make");
  const dev_t number =
      is_pipe ? 0 : makedev(archive_entry_rdevmajor(entry), archive_entry_rdevminor(entry));
  // The kernel's mark of a whiteout, which a layer makes by a name.
  if (type == AE_IFCHR && number == 0) refuse_image(target.entry, "it is the device 0:0");
  if (mknodat(target.directory, target.name.c_str(), type | 0600, number) < 0)
    throw_errno("mknod", target.entry);
  set_owner_and_mode(entry, target);
  set_attributes(entry, target);
  if (utimensat(target.directory, target.name.c_str(), times_of(entry).both, AT_SYMLINK_NOFOLLOW) <
      0)
    throw_errno("utimensat", target.entry);
}

void EntryWriter::set_owner_and_mode(archive_entry* entry, const Target& target) {
  const uint32_t uid = id_of(archive_entry_uid(entry), target.entry),
                 gid = id_of(archive_entry_gid(entry), target.entry);
  if (fchownat(target.directory, target.name.c_str(), uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
    throw_errno("chown", target.entry);
  if (archive_entry_filetype(entry) == AE_IFLNK) return;
  if (fchmodat(target.directory, target.name.c_str(), mode_of(entry), 0) < 0)
    throw_errno("chmod", target.entry);
}

// What a directory of lower layers has is replaced by what its new entry has (image-spec, layer.md
// "Additions and Modifications").
void EntryWriter::drop_attributes(const Target& target) {
  const std::string path = through_proc(target.directory, target.name);
  std::string names(65536, '\0');  // XATTR_LIST_MAX
  const ssize_t length = llistxattr(path.c_str(), names.data(), names.size());
  if (length < 0 && errno != ENOTSUP) throw_errno("listxattr", target.entry);
  for (ssize_t at = 0; at < length;) {
    const char* name = &names[static_cast<size_t>(at)];
    at += static_cast<ssize_t>(strlen(name)) + 1;
    if (is_of_host(name) || is_of_overlay(name)) continue;
    if (lremovexattr(path.c_str(), name) < 0 && errno != ENODATA)
      throw_errno("removexattr", target.entry + " (" + name + ")");
  }
}

void EntryWriter::set_attributes(archive_entry* entry, const Target& target) {
  const char* name;
  const void* value;
  size_t size;
  if (archive_entry_xattr_reset(entry) == 0) return;
  const std::string path = through_proc(target.directory, target.name);
  while (archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK) {
    if (is_of_host(name)) continue;
    if (is_of_overlay(name))
      refuse_image(target.entry, std::string("it has an attribute of overlayfs: ") + name);
    if (lsetxattr(path.c_str(), name, value, size, 0) < 0)
      throw_errno("setxattr", target.entry + " (" + name + ")");
  }
}

}  // namespace tsrun
