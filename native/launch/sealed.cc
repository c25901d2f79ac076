// Memory that nobody can change any more: the image of tsrun-init and the plan.
#include "launch/sealed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "sys/kernel.h"

extern "C" {
extern const char tsrun_init_begin[];
extern const char tsrun_init_end[];
}

namespace tsrun {

namespace {

bool write_all(int fd, const char* at, size_t size) noexcept {
  while (size > 0) {
    const ssize_t written = write(fd, at, size);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    at += written;
    size -= static_cast<size_t>(written);
  }
  return true;
}

// Not to be written any more: it is reopened, since what is open for writing cannot be executed (ETXTBSY).
int nameless_file(const char* directory, const char* data, size_t size) noexcept {
  struct statvfs about;
  if (statvfs(directory, &about) < 0) return -1;
  if ((about.f_flag & ST_NOEXEC) != 0) {
    errno = EACCES;
    return -1;
  }
  Fd file{open(directory, O_TMPFILE | O_EXCL | O_RDWR | O_CLOEXEC, 0500)};
  if (!file || !write_all(file.get(), data, size)) return -1;
  char path[32];
  (void)snprintf(path, sizeof path, "/proc/self/fd/%d", file.get());
  return open(path, O_RDONLY | O_CLOEXEC);
}

constexpr const char* kRunDirectories[] = {"/run", "/dev/shm", "/tmp", "/var/tmp"};

}  // namespace

int sealed_memfd(const char* name, const void* data, size_t size, bool executable) noexcept {
  const unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  Fd fd{memfd_create(name, flags | (executable ? MFD_EXEC : MFD_NOEXEC_SEAL))};
  // Before Linux 6.3.
  if (!fd && errno == EINVAL) fd.reset(memfd_create(name, flags));
  constexpr int kSeals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
  if (!fd || !write_all(fd.get(), static_cast<const char*>(data), size) ||
      fcntl(fd.get(), F_ADD_SEALS, kSeals) < 0)
    return -1;
  return fd.release();
}

int init_image(Fd& own) noexcept {
  static int sealed = -1;
  const size_t size = static_cast<size_t>(tsrun_init_end - tsrun_init_begin);
  if (sealed < 0) sealed = sealed_memfd("tsrun-init", tsrun_init_begin, size, true);
  if (sealed >= 0 || errno != EACCES) return sealed;
  for (const char* directory : kRunDirectories) {
    own.reset(nameless_file(directory, tsrun_init_begin, size));
    if (own) return own.get();
  }
  errno = EACCES;
  return -1;
}

}  // namespace tsrun
