// The executable: a heap in which all modules are loaded already, the engine, the addon. No file and no variable changes which code runs.
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "engine/heap.h"
#include "engine/host.h"
#include "engine/snapshot.h"
#include "engine/text.h"

namespace {

/** sysexits.h: EX_SOFTWARE. No command ends with it by itself. */
constexpr int kInternalError = 70;

[[noreturn]] void give_up(const std::string& words) {
  dprintf(STDERR_FILENO, "tsrun: internal error: %s\n", words.c_str());
  end_process(kInternalError);
}

/** Remembers what was rejected last without a handler: when the work stops for it, that is the reason to tell. */
void note_rejection(JSContext* context, JSValueConst, JSValueConst reason, int handled,
                    void* last) {
  if (!handled) *static_cast<std::string*>(last) = ": " + words_of(context, reason);
}

/** Bytes of stack that JavaScript may use: a part of what the caller's limit leaves, so that it ends with an error. */
size_t stack_size() {
  constexpr rlim_t most = 4 << 20;
  rlimit limit{};
  if (getrlimit(RLIMIT_STACK, &limit) < 0 || limit.rlim_cur > most * 4 / 3) return most;
  return static_cast<size_t>(limit.rlim_cur / 4 * 3);
}

/**
 * What the caller has set for signals and is no use to a runtime. A handler, not SIG_IGN, which containers would inherit:
 * a file beyond RLIMIT_FSIZE is an error (EFBIG), no death in the middle of a command. Whoever ignores SIGCHLD
 * would have the kernel reap our children, and their exit status with them (wait(2)).
 */
void prepare_signals() {
  (void)signal(SIGXFSZ, [](int) {});
  (void)signal(SIGCHLD, SIG_DFL);
}

}  // namespace

int main(int argc, char** argv) {
  const Snapshot& made = snapshot();
  if (made.runtime == nullptr) {
    if (argc != 3) give_up("this executable has not been finished");
    make_snapshot(argv[1], argv[2]);
  }
  keep_snapshot();
  prepare_signals();
  callback_class = made.callback_class;
  finalizer_class = made.finalizer_class;
  JSContext* context = made.context;
  std::string rejected;
  JS_UpdateStackTop(made.runtime);
  JS_SetMaxStackSize(made.runtime, stack_size());
  JS_SetHostPromiseRejectionTracker(made.runtime, note_rejection, &rejected);
  if (!set_arguments(context, made.process, argc, argv) ||
      JS_IsException(JS_Call(context, made.start, JS_UNDEFINED, 0, nullptr)))
    give_up(words_of_exception(context));
  int outcome;
  while ((outcome = JS_ExecutePendingJob(made.runtime, &context)) > 0) {
  }
  if (outcome < 0) give_up(words_of_exception(context));
  // Every command ends by process.exit: nothing is left that could ever continue this one.
  give_up("the command has stopped with its work unfinished" + rejected);
}
