// The executable's engine and its Node-API in a program for tests: it runs scripts and loads addons, and at its end frees all
// that it holds, so that sanitizers see what is left. usage: judge PRELUDE [ARGUMENT ...]
#include <dlfcn.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "engine/env.h"
#include "engine/heap.h"
#include "engine/text.h"

bool making_snapshot = false;
// Each addon has one; this program has none.
extern "C" napi_value napi_register_module_v1(napi_env, napi_value) { return nullptr; }

namespace {

[[noreturn]] void fail(const std::string& words) {
  fprintf(stderr, "%s\n", words.c_str());
  exit(1);
}

std::string argument(JSContext* context, JSValueConst value) {
  std::string bytes;
  if (!bytes_from_text(context, value, bytes)) fail(words_of_exception(context));
  return bytes;
}

std::string contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) fail(path + " cannot be read");
  return {std::istreambuf_iterator<char>(file), {}};
}

JSValue read(JSContext* context, JSValueConst, int, JSValueConst* values) {
  return text_from_bytes(context, contents(argument(context, values[0])));
}

/** What a script comes to: `(source, name)`. */
JSValue evaluate(JSContext* context, JSValueConst, int, JSValueConst* values) {
  const std::string source = argument(context, values[0]), name = argument(context, values[1]);
  return JS_Eval(context, source.c_str(), source.size(), name.c_str(), JS_EVAL_TYPE_GLOBAL);
}

/** Exports of an addon. What this program has not, it finds out when it calls it: it ends then, with the name. */
JSValue load(JSContext* context, JSValueConst, int, JSValueConst* values) {
  auto* env = static_cast<napi_env>(JS_GetContextOpaque(context));
  void* library = dlopen(argument(context, values[0]).c_str(), RTLD_LAZY);
  if (library == nullptr) fail(dlerror());
  const auto begin = reinterpret_cast<napi_value (*)(napi_env, napi_value)>(
      dlsym(library, "napi_register_module_v1"));
  const size_t mark = env->top;
  const napi_value exports = env->keep(JS_NewObject(context));
  const napi_value other = begin(env, exports);
  const JSValue result = JS_DupValue(context, value_of(other == nullptr ? exports : other));
  env->close_to(mark);
  if (!JS_HasException(context)) return result;
  JS_FreeValue(context, result);
  return JS_EXCEPTION;
}

JSValue collect(JSContext* context, JSValueConst, int, JSValueConst*) {
  JS_RunGC(JS_GetRuntime(context));
  return JS_UNDEFINED;
}

JSValue print(JSContext* context, JSValueConst, int, JSValueConst* values) {
  puts(argument(context, values[0]).c_str());
  return JS_UNDEFINED;
}

/** Unhandled rejections end a test as exceptions do. */
void note_rejection(JSContext* context, JSValueConst, JSValueConst reason, int handled,
                    void* last) {
  *static_cast<std::string*>(last) = handled ? "" : words_of(context, reason);
}

void define(JSContext* context, int argc, char** argv) {
  const JSValue global = JS_GetGlobalObject(context), list = JS_NewArray(context);
  const auto add = [&](const char* name, JSCFunction* function, int length) {
    JS_SetPropertyStr(context, global, name, JS_NewCFunction(context, function, name, length));
  };
  add("read", read, 1);
  add("evaluate", evaluate, 2);
  add("load", load, 1);
  add("gc", collect, 0);
  add("print", print, 1);
  for (int at = 2; at < argc; at++)
    JS_SetPropertyUint32(context, list, static_cast<uint32_t>(at - 2),
                         JS_NewString(context, argv[at]));
  JS_SetPropertyStr(context, global, "args", list);
  JS_FreeValue(context, global);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) fail("usage: judge PRELUDE [ARGUMENT ...]");
  JSRuntime* runtime = JS_NewRuntime();
  JSContext* context = JS_NewContext(runtime);
  std::string rejected;
  JS_SetHostPromiseRejectionTracker(runtime, note_rejection, &rejected);
  auto* env = new napi_env__(context);
  define(context, argc, argv);
  const std::string prelude = contents(argv[1]);
  const JSValue done =
      JS_Eval(context, prelude.c_str(), prelude.size(), argv[1], JS_EVAL_TYPE_GLOBAL);
  if (JS_IsException(done)) fail(words_of_exception(context));
  JS_FreeValue(context, done);
  JSContext* where = context;
  int outcome;
  while ((outcome = JS_ExecutePendingJob(runtime, &where)) > 0) {
  }
  if (outcome < 0) fail(words_of_exception(where));
  if (!rejected.empty()) fail(rejected);
  delete env;
  JS_FreeContext(context);
  // Fails by an assertion when an object is left.
  JS_FreeRuntime(runtime);
  return 0;
}
