// Steps of the helper that opens mount sources for init: in the container's mount namespace, with the
// rights of the runtime.
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "init/context.h"
#include "init/mount_tree.h"
#include "plan_steps.h"
#include "sys/syscall.h"
#include "sys/text.h"

namespace tsrun::step {
namespace {

// A line of mountinfo (proc(5)): id parent major:minor root mountpoint options … - type.
struct MountLine {
  uint32_t id;
  char* point;
  char* type;
};

uint32_t number_at(const char* text) noexcept {
  uint32_t number = 0;
  for (; *text >= '0' && *text <= '9'; text++)
    number = number * 10 + static_cast<uint32_t>(*text - '0');
  return number;
}

bool parse_line(char* line, MountLine& mount) noexcept {
  mount.id = number_at(line);
  char* at = line;
  for (int i = 0; i < 4; i++) {
    at = strchr(at, ' ');
    if (at == nullptr) return false;
    at++;
  }
  mount.point = at;
  char* type = strstr(at, " - ");
  char* end = strchr(at, ' ');
  if (type == nullptr || end == nullptr) return false;
  *end = 0;
  mount.type = type + 3;
  end = strchr(mount.type, ' ');
  if (end != nullptr) *end = 0;
  return true;
}

bool map_ids(int mount, int user_namespace, bool below) noexcept {
  sys::MountAttributes attributes;
  attributes.set = MOUNT_ATTR_IDMAP;
  attributes.userns_fd = static_cast<uint64_t>(user_namespace);
  return sys::mount_setattr(mount, "", AT_EMPTY_PATH | (below ? AT_RECURSIVE : 0), attributes) == 0;
}

// Where the mount that is asked for lies: its id, and its path as the kernel spells it.
struct Place {
  uint32_t mount_id = 0;
  char path[4096];
  Place() noexcept { path[0] = 0; }
};

bool find_place(Context& context, const char* source, Place& place) noexcept {
  Fd at{::open(source, O_PATH | O_CLOEXEC)};
  const int proc = private_proc(context);
  if (!at || proc < 0) return false;
  char name[48] = "self/fd/";
  append_number(name, static_cast<uint32_t>(at.get()));
  const ssize_t size = ::readlinkat(proc, name, place.path, sizeof place.path - 1);
  if (size <= 0) return false;
  place.path[size] = 0;
  char info_name[48] = "self/fdinfo/";
  append_number(info_name, static_cast<uint32_t>(at.get()));
  Fd info{::openat(proc, info_name, O_RDONLY | O_CLOEXEC)};
  char text[512];
  const ssize_t got = info ? ::read(info.get(), text, sizeof text - 1) : -1;
  if (got <= 0) return false;
  text[got] = 0;
  const char* id = strstr(text, "mnt_id:");
  if (id == nullptr) return false;
  place.mount_id = number_at(id + strspn(id, "mnt_id: \t"));
  return true;
}

bool is_below(const char* point, const char* path) noexcept {
  const size_t length = strlen(path);
  return strncmp(point, path, length) == 0 && (point[length] == '/' || path[length - 1] == '/');
}

// True for the mount that refuses: the source's own, or one below it, which is then tried alone.
bool refuses(const MountLine& line, const Place& place, const OpenSource& s, int ns) noexcept {
  if (line.id == place.mount_id) return true;
  if (!s.map_below || !s.recursive || !is_below(line.point, place.path)) return false;
  Fd copy{sys::open_tree(AT_FDCWD, line.point, OPEN_TREE_CLONE)};
  return copy && !map_ids(copy.get(), ns, false);
}

// The kernel says only EINVAL: what it means is which file system has no id-mapped mounts, and where.
const char* explain(const OpenSource& s, Context& context, int ns) noexcept {
  static char words[512];
  static char mounts[256 * 1024];
  words[0] = 0;
  const auto say = [](const char* more) { append_text(words, sizeof words, more); };
  const auto blame = [&](const char* type, const char* where) {
    say("the file system ");
    say(type);
    if (*where != 0) say(" at ");
    say(where);
    say(" cannot be id-mapped by this kernel: mount it without idmap, or keep the files on "
        "another");
    say(" file system such as ext4, xfs, btrfs or tmpfs");
    return words;
  };
  if (!s.type.empty()) return blame(s.type.data, "");
  Place place;
  if (!find_place(context, s.source.data, place)) return "";
  Fd info{::openat(private_proc(context), "self/mountinfo", O_RDONLY | O_CLOEXEC)};
  size_t size = 0;
  for (ssize_t got;
       info && (got = ::read(info.get(), mounts + size, sizeof mounts - 1 - size)) > 0;)
    size += static_cast<size_t>(got);
  mounts[size] = 0;
  // The source's own mount is to blame only if nothing is wrong below: it is tried alone first.
  Fd own{sys::open_tree(AT_FDCWD, s.source.data, OPEN_TREE_CLONE)};
  const bool own_refuses = own && !map_ids(own.get(), ns, false);
  for (char *line = mounts, *end; (end = strchr(line, '\n')) != nullptr; line = end + 1) {
    *end = 0;
    MountLine mount;
    if (!parse_line(line, mount) || (mount.id == place.mount_id) != own_refuses) continue;
    if (refuses(mount, place, s, ns)) return blame(mount.type, mount.point);
  }
  return "";
}

// A process that only holds a new user namespace until somebody else has a descriptor of it.
Failure make_user_namespace(const OpenSource& s, Context& context) noexcept {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) < 0) return fail("pipe2");
  Fd read_end{ends[0]}, write_end{ends[1]};
  sys::CloneArguments args{};
  args.flags = CLONE_NEWUSER;
  args.exit_signal = SIGCHLD;
  const long pid = ::syscall(SYS_clone3, &args, sizeof args);
  if (pid < 0) return fail("clone3", "", "user namespace");
  if (pid == 0) {
    write_end.reset();
    char end;
    while (::read(read_end.get(), &end, 1) < 0 && errno == EINTR) {
    }
    ::_exit(0);
  }
  const auto map_and_open = [&]() -> Failure {
    char path[32] = "";
    append_number(path, static_cast<uint32_t>(pid));
    Fd dir{::openat(private_proc(context), path, O_PATH | O_DIRECTORY | O_CLOEXEC)};
    if (!dir) return fail("openat", path);
    const Text maps[] = {s.uid_map, s.gid_map};
    const char* const names[] = {"uid_map", "gid_map"};
    for (int i = 0; i < 2; i++) {
      Fd file{::openat(dir.get(), names[i], O_WRONLY | O_CLOEXEC)};
      if (!file) return fail("openat", names[i]);
      if (::write(file.get(), maps[i].data, maps[i].size) < 0) return fail("write", names[i]);
    }
    context.user_namespace.reset(::openat(dir.get(), "ns/user", O_RDONLY | O_CLOEXEC));
    return context.user_namespace ? kOk : fail("openat", "ns/user");
  };
  const Failure failure = map_and_open();
  write_end.reset();
  while (::waitpid(static_cast<pid_t>(pid), nullptr, 0) < 0 && errno == EINTR) {
  }
  return failure;
}

// Mounts of one container mostly have the same maps: the namespace made for the last one serves on.
Failure find_user_namespace(const OpenSource& s, Context& context, int& fd) noexcept {
  if (s.uid_map.empty()) {
    fd = context.joined_user_namespace.get();
    return fd < 0 ? hostile_plan() : kOk;
  }
  fd = context.user_namespace.get();
  if (context.user_namespace && strcmp(context.mapped_uids, s.uid_map.data) == 0 &&
      strcmp(context.mapped_gids, s.gid_map.data) == 0)
    return kOk;
  if (Failure failure = make_user_namespace(s, context)) return failure;
  context.mapped_uids = s.uid_map.data;
  context.mapped_gids = s.gid_map.data;
  fd = context.user_namespace.get();
  return kOk;
}

Failure await_question(Context& context) noexcept {
  char question[16];
  if (!receive_text(context, question, sizeof question, context.given)) {
    if (errno != 0) return fail("recvmsg");
    ::_exit(0);  // nothing more is asked for
  }
  context.asked = number_at(question);
  return kOk;
}

}  // namespace

Failure run(const OpenUserNamespace& s, Context& context) noexcept {
  context.joined_user_namespace.reset(::open(s.path.data, O_RDONLY | O_CLOEXEC));
  return context.joined_user_namespace ? kOk : fail("open", s.path.data);
}

Failure run(const OpenSource& s, Context& context) noexcept {
  if (!context.proc)
    return hostile_plan();  // not a helper: those get theirs with `enterNamespaces`
  if (context.asked == 0)
    if (Failure failure = await_question(context)) return failure;
  if (context.asked != s.number) return kOk;
  context.asked = 0;
  Fd mount = static_cast<Fd&&>(context.given);
  const bool is_answer = !mount;
  if (s.rootfs)
    mount.reset(sys::openat2(AT_FDCWD, s.source.data, O_PATH | O_DIRECTORY,
                             RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS));
  else if (is_answer)
    mount.reset(sys::open_tree(AT_FDCWD, s.source.data,
                               OPEN_TREE_CLONE | (s.recursive ? AT_RECURSIVE : 0)));
  if (!mount && s.rootfs) return fail("openat2", s.source.data);
  if (!mount) return fail("open_tree", s.source.data, why_not_cloned(errno, s.recursive));
  if (s.id_mapped) {
    int ns;
    if (Failure failure = find_user_namespace(s, context, ns)) return failure;
    if (!map_ids(mount.get(), ns, s.map_below)) {
      const int error = errno;
      return refuse(error, "mount_setattr(MOUNT_ATTR_IDMAP)", s.source.data,
                    error == EINVAL ? explain(s, context, ns)
                    : error == EPERM
                        ? "it is id-mapped already, or this takes more rights over its file system"
                        : "");
    }
  }
  const FrameHead head{FrameType::source, context.step, 0, s.number};
  return send_frame(context, head, "", "", "", is_answer ? mount.get() : -1) ? kOk
                                                                             : fail("sendmsg");
}

// The end of a helper, which has no program to execute.
Failure run(const Leave&, Context&) noexcept { ::_exit(0); }

}  // namespace tsrun::step
