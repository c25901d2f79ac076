// Steps of the helper that opens mount sources for init: in the container's mount namespace, with the
// rights of the runtime.
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "init/context.h"
#include "init/end.h"
#include "init/mount_tree.h"
#include "plan_steps.h"
#include "sys/syscall.h"
#include "sys/text.h"

namespace tsrun::step {
namespace {

uint32_t number_at(const char* text) noexcept {
  uint32_t number = 0;
  for (; *text >= '0' && *text <= '9'; text++)
    number = number * 10 + static_cast<uint32_t>(*text - '0');
  return number;
}

bool map_ids(int mount, int user_namespace, bool below) noexcept {
  sys::MountAttributes attributes;
  attributes.set = MOUNT_ATTR_IDMAP;
  attributes.userns_fd = static_cast<uint64_t>(user_namespace);
  return sys::mount_setattr(mount, "", AT_EMPTY_PATH | (below ? AT_RECURSIVE : 0), attributes) == 0;
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
    end_process(0);
  }
  const auto map_and_open = [&]() -> Failure {
    char path[32] = "";
    append_number(path, sizeof path, static_cast<uint32_t>(pid));
    Fd dir{::openat(private_proc(context), path, O_PATH | O_DIRECTORY | O_CLOEXEC)};
    if (!dir) return fail("openat", path);
    const Text maps[] = {s.uid_map, s.gid_map};
    const char* const names[] = {"uid_map", "gid_map"};
    for (int i = 0; i < 2; i++) {
      Fd file{::openat(dir.get(), names[i], O_WRONLY | O_CLOEXEC)};
      if (!file) return fail("openat", names[i]);
      if (::write(file.get(), maps[i].data, maps[i].size) < 0) return fail("write", names[i]);
    }
    context.helper.user_namespace.reset(::openat(dir.get(), "ns/user", O_RDONLY | O_CLOEXEC));
    return context.helper.user_namespace ? kOk : fail("openat", "ns/user");
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
    fd = context.helper.joined_user_namespace.get();
    return fd < 0 ? hostile_plan() : kOk;
  }
  fd = context.helper.user_namespace.get();
  if (context.helper.user_namespace && strcmp(context.helper.mapped_uids, s.uid_map.data) == 0 &&
      strcmp(context.helper.mapped_gids, s.gid_map.data) == 0)
    return kOk;
  if (Failure failure = make_user_namespace(s, context)) return failure;
  context.helper.mapped_uids = s.uid_map.data;
  context.helper.mapped_gids = s.gid_map.data;
  fd = context.helper.user_namespace.get();
  return kOk;
}

Failure await_question(Context& context) noexcept {
  char question[16];
  if (!receive_text(context, question, sizeof question, context.helper.given)) {
    if (errno != 0) return fail("recvmsg");
    end_process(0);  // nothing more is asked for
  }
  context.helper.asked = number_at(question);
  return kOk;
}

}  // namespace

Failure run(const OpenUserNamespace& s, Context& context) noexcept {
  context.helper.joined_user_namespace.reset(::open(s.path.data, O_RDONLY | O_CLOEXEC));
  return context.helper.joined_user_namespace ? kOk : fail("open", s.path.data);
}

Failure run(const OpenSource& s, Context& context) noexcept {
  if (s.held && private_proc(context) < 0) return fail("fsopen", "proc");
  if (!context.proc)
    return hostile_plan();  // not a helper: those get theirs with `enterNamespaces`
  if (context.helper.asked == 0 && !s.held)
    if (Failure failure = await_question(context)) return failure;
  if (context.helper.asked != s.number) return kOk;
  context.helper.asked = 0;
  Fd mount = static_cast<Fd&&>(context.helper.given);
  const bool is_answer = !mount;
  if (s.rootfs)
    mount.reset(sys::openat2(AT_FDCWD, s.source.data, O_PATH | O_DIRECTORY,
                             RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS));
  else if (is_answer)
    mount.reset(sys::open_tree(AT_FDCWD, s.source.data, clone_flags(s.recursive, s.no_follow)));
  if (!mount && s.rootfs) return fail("openat2", s.source.data);
  if (!mount) return fail("open_tree", s.source.data, why_not_cloned(errno, s.recursive));
  if (s.id_mapped) {
    int ns;
    if (Failure failure = find_user_namespace(s, context, ns)) return failure;
    if (!map_ids(mount.get(), ns, s.map_below))
      return fail("mount_setattr(MOUNT_ATTR_IDMAP)", s.source.data);
  }
  if (s.held) {
    context.helper.given = static_cast<Fd&&>(mount);
    return kOk;
  }
  const FrameHead head{FrameType::source, context.step, 0, s.number};
  return send_frame(context, head, "", "", "", is_answer ? mount.get() : -1) ? kOk
                                                                             : fail("sendmsg");
}

// The end of a helper, which has no program to execute.
Failure run(const Leave&, Context&) noexcept { end_process(0); }

}  // namespace tsrun::step
