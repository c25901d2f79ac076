// Memory that nobody can change any more: the image of tsrun-init and the plan.
#include "launch/sealed.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sys/kernel.h"

extern "C" {
extern const char tsrun_init_begin[];
extern const char tsrun_init_end[];
}

namespace tsrun {

int sealed_memfd(const char* name, const void* data, size_t size, bool executable) noexcept {
  const unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  int fd = memfd_create(name, flags | (executable ? MFD_EXEC : MFD_NOEXEC_SEAL));
  if (fd < 0 && errno == EINVAL) fd = memfd_create(name, flags);  // before Linux 6.3
  if (fd < 0) return -1;
  const char* at = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t written = write(fd, at, size);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) break;
    at += written;
    size -= static_cast<size_t>(written);
  }
  constexpr int kSeals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
  if (size > 0 || fcntl(fd, F_ADD_SEALS, kSeals) < 0) {
    const int error = errno;
    (void)close(fd);
    errno = error;
    return -1;
  }
  return fd;
}

int init_image() noexcept {
  static int image = -1;
  if (image < 0)
    image = sealed_memfd("tsrun-init", tsrun_init_begin,
                         static_cast<size_t>(tsrun_init_end - tsrun_init_begin), true);
  return image;
}

}  // namespace tsrun
