// Steps that prepare what will be executed: working directory, environment, the executable itself.
#include <dirent.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "init/context.h"
#include "init/paths.h"
#include "plan_steps.h"
#include "sys/syscall.h"
#include "sys/text.h"

namespace tsrun::step {
namespace {

const char* find_variable(char** env, const char* name) noexcept {
  const size_t length = strlen(name);
  for (; *env != nullptr; env++)
    if (strncmp(*env, name, length) == 0 && (*env)[length] == '=') return *env + length + 1;
  return nullptr;
}

bool parse_uid(const char* text, uint32_t& uid) noexcept {
  uint64_t value = 0;
  if (*text < '0' || *text > '9') return false;
  for (; *text >= '0' && *text <= '9'; text++) {
    value = value * 10 + static_cast<uint64_t>(*text - '0');
    if (value > UINT32_MAX) return false;
  }
  uid = static_cast<uint32_t>(value);
  return *text == ':';
}

// name:password:uid:gid:comment:home:shell. By uid alone: a user name made of digits must not count
// (CVE-2016-3697); libc's own lookup would run code of the image.
bool home_of_line(char* line, uint32_t uid, const char*& home) noexcept {
  char* fields[7] = {};
  for (int i = 0; i < 7 && line != nullptr; i++) {
    fields[i] = line;
    line = strchr(line, ':');
    if (line != nullptr && i != 2) *line = 0;  // parse_uid wants to see the colon
    if (line != nullptr) line++;
  }
  uint32_t found;
  if (fields[5] == nullptr || !parse_uid(fields[2], found) || found != uid) return false;
  home = fields[5];
  return true;
}

// A rootfs may hold a file without end.
constexpr uint64_t kMaxPasswd = uint64_t{64} * 1024 * 1024;

// Line by line; one that is longer than a path, or has a NUL in it, names nobody.
bool search_passwd(int file, uint32_t uid, const char*& home) noexcept {
  static char chunk[16 * 1024];
  static char line[PATH_MAX + 512];
  size_t length = 0;
  bool usable = true;
  ssize_t got;
  for (uint64_t all = 0; all < kMaxPasswd && (got = ::read(file, chunk, sizeof chunk)) > 0;
       all += static_cast<uint64_t>(got))
    for (ssize_t i = 0; i < got; i++) {
      if (chunk[i] != '\n') {
        usable = usable && chunk[i] != 0 && length < sizeof line - 1;
        if (usable) line[length++] = chunk[i];
        continue;
      }
      line[length] = 0;
      if (usable && home_of_line(line, uid, home)) return true;
      length = 0;
      usable = true;
    }
  line[length] = 0;
  return usable && home_of_line(line, uid, home);
}

void find_home(const Context& context, uint32_t uid, char* variable, size_t capacity) noexcept {
  append_text(variable, capacity, "HOME=");
  const char* home = "/";
  // Nothing there may make init wait (a fifo) or take a controlling terminal (a device).
  Fd file{sys::openat2(context.root.get(), "/etc/passwd", O_RDONLY | O_NONBLOCK | O_NOCTTY,
                       RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS)};
  struct stat info;
  if (file && ::fstat(file.get(), &info) == 0 && S_ISREG(info.st_mode))
    (void)search_passwd(file.get(), uid, home);
  append_text(variable, capacity, *home == 0 ? "/" : home);
}

// What a shell would find wrong with the file, or 0.
int cannot_execute(const char* path) noexcept {
  struct stat info;
  if (::stat(path, &info) < 0) return errno;
  if (S_ISDIR(info.st_mode)) return EISDIR;
  if (!S_ISREG(info.st_mode)) return EACCES;
  return ::syscall(SYS_faccessat2, AT_FDCWD, path, X_OK, AT_EACCESS) < 0 ? errno : 0;
}

const char* words_for(int error) noexcept {
  switch (error) {
    case ENOENT:
      return "no such file or directory";
    case EACCES:
      return "permission denied";
    case EISDIR:
      // Both phrases: each engine looks for one of them to give exit status 126.
      return "is a directory: permission denied";
    case ENOTDIR:
      return "not a directory";
    case ELOOP:
      return "too many levels of symbolic links";
    default:
      return "cannot be executed";
  }
}

// `exec: "name": words`, which engines search for what to tell their users.
Failure cannot_run(int error, const char* name, const char* words, const char* call) noexcept {
  static char detail[PATH_MAX + 128];
  append_text(detail, sizeof detail, "exec: \"");
  append_text(detail, sizeof detail, name);
  append_text(detail, sizeof detail, "\": ");
  if (*call != 0) {
    append_text(detail, sizeof detail, call);
    append_text(detail, sizeof detail, name);
    append_text(detail, sizeof detail, ": ");
  }
  append_text(detail, sizeof detail, words);
  return refuse(error, "execve", name, detail);
}

Failure search_path(const char* name, const char* path, char (&found)[PATH_MAX]) noexcept {
  int error = ENOENT;
  while (path != nullptr) {
    const char* end = strchr(path, ':');
    const size_t length = end == nullptr ? strlen(path) : static_cast<size_t>(end - path);
    if (length + strlen(name) + 2 < sizeof found) {
      memcpy(found, path, length);
      found[length] = 0;
      append_text(found, sizeof found, length == 0 ? "./" : "/");
      append_text(found, sizeof found, name);
      const int problem = cannot_execute(found);
      if (problem == 0) return kOk;
      if (problem == EACCES) error = EACCES;
    }
    path = end == nullptr ? nullptr : end + 1;
  }
  return error == EACCES ? cannot_run(EACCES, name, "permission denied", "")
                         : cannot_run(ENOENT, name, "executable file not found in $PATH", "");
}

Failure find_executable(Context& context) noexcept {
  const char* name = context.executable.argv[0];
  if (strchr(name, '/') == nullptr)
    return search_path(name, find_variable(context.executable.envp, "PATH"),
                       context.executable.path);
  if (strlen(name) >= sizeof context.executable.path)
    return cannot_run(ENAMETOOLONG, name, "file name too long", "");
  memcpy(context.executable.path, name, strlen(name) + 1);
  const int problem = cannot_execute(name);
  if (problem == 0) return kOk;
  return cannot_run(problem, name, words_for(problem),
                    problem == EISDIR || problem == EACCES ? "" : "stat ");
}

// A working directory outside the root shows as "(unreachable)" (CVE-2024-21626).
Failure check_directory(const char* path) noexcept {
  char cwd[PATH_MAX];
  if (::syscall(SYS_getcwd, cwd, sizeof cwd) < 0) return fail("getcwd", path);
  if (cwd[0] != '/')
    return refuse(EPERM, "getcwd", path, "the working directory is outside the container's root");
  return kOk;
}

Failure enter_directory(const Context& context, const char* path) noexcept {
  Fd dir = open_in_root(context, path, O_DIRECTORY);
  if (!dir) return fail("openat2", path);
  return ::fchdir(dir.get()) < 0 ? fail("chdir", path) : kOk;
}

}  // namespace

// As root, so that the directory can be made and entered even where the user may not.
Failure run(const WorkingDirectory& s, Context& context) noexcept {
  if (!s.create) return enter_directory(context, s.path.data);
  Fd dir;
  if (Failure failure = ensure_in_root(context, s.path.data, Leaf::directory, dir)) return failure;
  return ::fchdir(dir.get()) < 0 ? fail("chdir", s.path.data) : kOk;
}

// After the switch to the user: entered again, unless only root may (then it stays entered).
Failure run(const Program& s, Context& context) noexcept {
  static char home[PATH_MAX] = "";
  if (Failure failure = enter_directory(context, s.cwd.data))
    if (failure.error != EACCES) return failure;
  if (Failure failure = check_directory(s.cwd.data)) return failure;
  context.executable.argv = pointers_to(s.args);
  context.executable.envp = pointers_to(s.env, 1);
  if (context.executable.argv == nullptr || context.executable.envp == nullptr) return fail("mmap");
  if (s.home) {
    find_home(context, s.uid, home, sizeof home);
    context.executable.envp[s.env.count] = home;
  }
  if (s.args.count == 0) return hostile_plan();
  // From here on paths are looked up as any program would: none may lead through a directory that
  // init holds open, as /proc/self/fd/N/bin/sh does (CVE-2024-21626).
  context.root.reset();
  context.proc.reset();
  return find_executable(context);
}

}  // namespace tsrun::step
