// In the place of libc's iconv, which libarchive asks to convert names: they stay the bytes that they are. A static
// program would otherwise load libc's converters from the host at run time.
#include <iconv.h>

#include <cerrno>

extern "C" {

iconv_t iconv_open(const char*, const char*) {
  errno = EINVAL;
  return reinterpret_cast<iconv_t>(-1);
}

size_t iconv(iconv_t, char**, size_t*, char**, size_t*) {
  errno = EINVAL;
  return static_cast<size_t>(-1);
}

int iconv_close(iconv_t) { return 0; }

}  // extern "C"
