// What the fuzz targets share. Each target is one translation unit: it includes the source that it tries, also for what
// has internal linkage there, and is built and run by scripts/test-fuzz.mjs.
#pragma once
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <initializer_list>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace fuzz {

// Ends the fuzzer with the input, as a sanitizer does.
inline void require(bool holds, const char* what) {
  if (holds) return;
  (void)fprintf(stderr, "does not hold: %s\n", what);
  abort();
}

// A file without a name that holds just these bytes, read from the beginning; the same in each round.
inline int file_of(const uint8_t* data, size_t size) {
  static const int fd = memfd_create("input", MFD_CLOEXEC);
  require(ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == static_cast<ssize_t>(size) &&
              lseek(fd, 0, SEEK_SET) == 0,
          "the input can be written");
  return fd;
}

inline void write_text(const std::string& path, const char* text) {
  const int fd = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  require(fd >= 0 && write(fd, text, strlen(text)) == static_cast<ssize_t>(strlen(text)),
          path.c_str());
  close(fd);
}

// Makes this process root of a user namespace in which it is the host's user 700000. Only who has stayed outside may
// write such maps.
inline void become_nobody() {
  int entered[2], mapped[2];
  char byte = 0;
  require(pipe(entered) == 0 && pipe(mapped) == 0, "pipe");
  const std::string process = "/proc/" + std::to_string(getpid());
  const pid_t helper = fork();
  require(helper >= 0, "fork");
  if (helper == 0) {
    require(read(entered[0], &byte, 1) == 1, "the namespace is entered");
    write_text(process + "/uid_map", "0 700000 65536");
    write_text(process + "/gid_map", "0 700000 65536");
    require(write(mapped[1], &byte, 1) == 1, "write");
    _exit(0);
  }
  require(unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0, "unshare");
  require(write(entered[1], &byte, 1) == 1 && read(mapped[0], &byte, 1) == 1, "the ids are mapped");
  for (const int fd : {entered[0], entered[1], mapped[0], mapped[1]}) close(fd);
  require(waitpid(helper, nullptr, 0) == helper, "waitpid");
  require(setresgid(0, 0, 0) == 0 && setresuid(0, 0, 0) == 0, "setresuid");
}

// A new directory in memory that is this process's own. As root it gives up all that it may elsewhere: what leads out of
// the directory meets the rights of a user that owns nothing.
inline std::string own_directory() {
  char path[] = "/dev/shm/tsrun-fuzz-XXXXXX";
  require(mkdtemp(path) != nullptr && chmod(path, 0755) == 0, "a directory can be made");
  if (getuid() != 0) return path;
  require(chown(path, 700000, 700000) == 0, "it can be given away");
  become_nobody();
  return path;
}

// Hands out the input piece by piece.
class Input {
 public:
  Input(const uint8_t* data, size_t size) : at_(data), left_(size) {}
  size_t left() const { return left_; }
  uint8_t byte() {
    if (left_ == 0) return 0;
    left_--;
    return *at_++;
  }
  // Up to, and without, the next NUL.
  std::string text() {
    const size_t length = strnlen(reinterpret_cast<const char*>(at_), left_);
    std::string text(reinterpret_cast<const char*>(at_), length);
    const size_t taken = length < left_ ? length + 1 : length;
    at_ += taken;
    left_ -= taken;
    return text;
  }

 private:
  const uint8_t* at_;
  size_t left_;
};

}  // namespace fuzz
