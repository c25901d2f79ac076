// The executable: the engine, the command line's bytecode, the addon. No file and no variable changes which code runs.
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <string>

#include "engine/env.h"
#include "engine/host.h"
#include "engine/modules.h"
#include "engine/text.h"

extern "C" const uint8_t tsrun_modules[];

namespace {

/** sysexits.h: EX_SOFTWARE. No command ends with it by itself. */
constexpr int kInternalError = 70;

std::string words_of(JSContext* context, JSValueConst error) {
  std::string words, stack;
  if (!bytes_from_text(context, error, words)) words = "unknown error";
  const JSValue trace = JS_GetPropertyStr(context, error, "stack");
  if (JS_IsString(trace) && bytes_from_text(context, trace, stack)) words += "\n" + stack;
  JS_FreeValue(context, trace);
  return words;
}

[[noreturn]] void give_up(const std::string& words) {
  dprintf(STDERR_FILENO, "tsrun: internal error: %s\n", words.c_str());
  end_process(kInternalError);
}

[[noreturn]] void give_up_by_exception(JSContext* context) {
  give_up(words_of(context, JS_GetException(context)));
}

JSModuleDef* load_module(JSContext* context, const char* name, void*) {
  uint64_t count;
  memcpy(&count, tsrun_modules, sizeof count);
  const auto* entry = reinterpret_cast<const ModuleEntry*>(tsrun_modules + sizeof count);
  for (uint64_t at = 0; at < count; at++, entry++) {
    if (strcmp(entry->name, name) != 0) continue;
    const JSValue module =
        JS_ReadObject(context, tsrun_modules + entry->offset, entry->length, JS_READ_OBJ_BYTECODE);
    if (JS_IsException(module)) return nullptr;
    auto* definition = static_cast<JSModuleDef*>(JS_VALUE_GET_PTR(module));
    // The context holds it already.
    JS_FreeValue(context, module);
    return definition;
  }
  JS_ThrowReferenceError(context, "no module %s in this executable", name);
  return nullptr;
}

/** Remembers what was rejected last without a handler: when the work stops for it, that is the reason to tell. */
void note_rejection(JSContext* context, JSValueConst, JSValueConst reason, int handled,
                    void* last) {
  if (!handled) *static_cast<std::string*>(last) = ": " + words_of(context, reason);
}

/** Without eval: nothing compiles code when this runs. A regular expression is compiled, but it is no code. */
JSContext* new_context(JSRuntime* runtime) {
  JSContext* context = JS_NewContextRaw(runtime);
  if (context == nullptr) return nullptr;
  JS_AddIntrinsicBaseObjects(context);
  JS_AddIntrinsicDate(context);
  JS_AddIntrinsicRegExpCompiler(context);
  JS_AddIntrinsicRegExp(context);
  JS_AddIntrinsicJSON(context);
  JS_AddIntrinsicProxy(context);
  JS_AddIntrinsicMapSet(context);
  JS_AddIntrinsicTypedArrays(context);
  JS_AddIntrinsicPromise(context);
  JS_AddIntrinsicWeakRef(context);
  return context;
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
  prepare_signals();
  std::string rejected;
  JSRuntime* runtime = JS_NewRuntime();
  JSContext* context = runtime == nullptr ? nullptr : new_context(runtime);
  if (context == nullptr) give_up("out of memory");
  JS_SetMaxStackSize(runtime, stack_size());
  // A short command ends before garbage could pile up; a long one (events) is collected.
  JS_SetGCThreshold(runtime, 16 << 20);
  JS_SetHostPromiseRejectionTracker(runtime, note_rejection, &rejected);
  JS_SetModuleLoaderFunc(runtime, nullptr, load_module, nullptr);
  auto* env = new napi_env__(context);
  if (!define_host(env, argc, argv)) give_up_by_exception(context);
  JSModuleDef* main_module = load_module(context, "main.js", nullptr);
  if (main_module == nullptr) give_up_by_exception(context);
  const JSValue code = JS_DupValue(context, JS_MKPTR(JS_TAG_MODULE, main_module));
  if (JS_ResolveModule(context, code) < 0) give_up_by_exception(context);
  if (JS_IsException(JS_EvalFunction(context, code))) give_up_by_exception(context);
  JSContext* where = context;
  int outcome;
  while ((outcome = JS_ExecutePendingJob(runtime, &where)) > 0) {
  }
  if (outcome < 0) give_up_by_exception(where);
  // Every command ends by process.exit: nothing is left that could ever continue this one.
  give_up("the command has stopped with its work unfinished" + rejected);
}
