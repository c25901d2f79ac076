// Makes the snapshot; see snapshot.h. Runs only in the build: of a finished executable, this part is never reached.
#include "engine/snapshot.h"

#include <sys/time.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <string>

#include "engine/heap.h"
#include "engine/host.h"
#include "engine/modules.h"
#include "engine/text.h"

extern "C" int __real_gettimeofday(timeval* now, void* zone);

namespace {

std::string modules;
/** The engine sets the seed of Math.random by the clock when it begins; nothing else may ask for the time. */
bool may_ask_for_time = false;

[[noreturn]] void fail(const std::string& words) {
  fprintf(stderr, "cannot make the snapshot: %s\n", words.c_str());
  _exit(1);
}

[[noreturn]] void fail_by_exception(JSContext* context) { fail(words_of_exception(context)); }

JSModuleDef* load_module(JSContext* context, const char* name, void*) {
  uint64_t count;
  memcpy(&count, modules.data(), sizeof count);
  const auto* entry = reinterpret_cast<const ModuleEntry*>(modules.data() + sizeof count);
  for (uint64_t at = 0; at < count; at++, entry++) {
    if (strcmp(entry->name, name) != 0) continue;
    const auto* bytes = reinterpret_cast<const uint8_t*>(modules.data()) + entry->offset;
    const JSValue module = JS_ReadObject(context, bytes, entry->length, JS_READ_OBJ_BYTECODE);
    if (JS_IsException(module)) return nullptr;
    auto* definition = static_cast<JSModuleDef*>(JS_VALUE_GET_PTR(module));
    // The context holds it already.
    JS_FreeValue(context, module);
    return definition;
  }
  JS_ThrowReferenceError(context, "no module %s in this executable", name);
  return nullptr;
}

/** Without eval: nothing compiles code when the executable runs. A regular expression is compiled, but it is no code. */
JSContext* new_context(JSRuntime* runtime) {
  JSContext* context = JS_NewContextRaw(runtime);
  if (context == nullptr) fail("out of memory");
  may_ask_for_time = true;
  JS_AddIntrinsicBaseObjects(context);
  may_ask_for_time = false;
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

/** What a promise comes to when all jobs are done. */
JSValue settled(JSContext* context, JSValue promise) {
  if (JS_IsException(promise)) fail_by_exception(context);
  JSContext* where = context;
  int outcome;
  while ((outcome = JS_ExecutePendingJob(JS_GetRuntime(context), &where)) > 0) {
  }
  if (outcome < 0) fail_by_exception(where);
  const JSPromiseStateEnum state = JS_PromiseState(context, promise);
  const JSValue result = JS_PromiseResult(context, promise);
  if (state == JS_PROMISE_REJECTED) {
    JS_Throw(context, result);
    fail_by_exception(context);
  }
  if (state == JS_PROMISE_PENDING) fail("a module waits for something");
  JS_FreeValue(context, promise);
  return result;
}

/** Evaluates every module; the namespace of the one called main.js. */
JSValue evaluate_all(JSContext* context) {
  JSValue main_module = JS_UNDEFINED;
  uint64_t count;
  memcpy(&count, modules.data(), sizeof count);
  const auto* entry = reinterpret_cast<const ModuleEntry*>(modules.data() + sizeof count);
  for (uint64_t at = 0; at < count; at++, entry++) {
    const JSValue exports = settled(context, JS_LoadModule(context, "", entry->name));
    if (strcmp(entry->name, "main.js") == 0)
      main_module = exports;
    else
      JS_FreeValue(context, exports);
  }
  return main_module;
}

/** Its numbers would be the same in each process. */
void remove_random(JSContext* context) {
  const JSValue global = JS_GetGlobalObject(context);
  const JSValue math = JS_GetPropertyStr(context, global, "Math");
  const JSAtom random = JS_NewAtom(context, "random");
  if (JS_DeleteProperty(context, math, random, JS_PROP_THROW) < 0) fail_by_exception(context);
  JS_FreeAtom(context, random);
  JS_FreeValue(context, math);
  JS_FreeValue(context, global);
}

/** The runtime remembers where its stack begins, which each start sets anew. Nothing else may point to a stack. */
void forget_stack(size_t size) {
  // More than is ever in use here. QEMU has its stack 8 MiB above 0x5500000000, which 32-bit numbers beside old halves of
  // pointers look like.
  constexpr uintptr_t most = 4 << 20;
  const auto here = reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
  int count = 0;
  for (auto* word = reinterpret_cast<uintptr_t*>(tsrun_heap);
       word < reinterpret_cast<uintptr_t*>(tsrun_heap + size); word++) {
    if (*word - (here - most) >= 2 * most) continue;
    *word = 0;
    count++;
  }
  if (count != 1) fail("it has " + std::to_string(count) + " pointers to the stack");
}

}  // namespace

extern "C" int __wrap_gettimeofday(timeval* now, void* zone) {
  if (!making_snapshot) return __real_gettimeofday(now, zone);
  if (!may_ask_for_time) fail("a module asks for the time");
  *now = {};
  return 0;
}

void make_snapshot(const char* output, const char* modules_file) {
  {
    FILE* file = fopen(modules_file, "rb");
    char bytes[65536];
    for (size_t size = 1; file != nullptr && size > 0; modules.append(bytes, size))
      size = fread(bytes, 1, sizeof bytes, file);
    if (file == nullptr || ferror(file) || modules.empty())
      fail(std::string(modules_file) + " cannot be read");
    fclose(file);
  }
  begin_heap();
  JSRuntime* runtime = JS_NewRuntime2(&heap_functions, nullptr);
  if (runtime == nullptr) fail("out of memory");
  JS_SetMaxStackSize(runtime, 0);
  JS_SetGCThreshold(runtime, static_cast<size_t>(-1));
  JS_SetModuleLoaderFunc(runtime, nullptr, load_module, nullptr);
  JSContext* context = new_context(runtime);
  auto* env = new napi_env__(context);
  const JSValue process = define_host(env);
  if (JS_IsException(process)) fail_by_exception(context);
  remove_random(context);
  const JSValue exports = evaluate_all(context);
  const JSValue prepare = JS_GetPropertyStr(context, exports, "prepare");
  JS_FreeValue(context, settled(context, JS_Call(context, prepare, JS_UNDEFINED, 0, nullptr)));
  JS_FreeValue(context, prepare);
  const JSValue start = JS_GetPropertyStr(context, exports, "start");
  if (!JS_IsFunction(context, start)) fail("main.js exports no function start");
  JS_FreeValue(context, exports);
  JS_SetModuleLoaderFunc(runtime, nullptr, nullptr, nullptr);
  js_prepare_for_immortality(context);
  JS_RunGC(runtime);
  js_forget_garbage(runtime);
  // A short command ends before garbage could pile up; a long one (events) is collected.
  JS_SetGCThreshold(runtime, 16 << 20);
  snapshot() = {runtime, context, env, callback_class, finalizer_class, process, start};
  const size_t size = seal_heap();
  forget_stack(size);
  FILE* file = fopen(output, "wb");
  if (file == nullptr || fwrite(tsrun_heap, 1, size, file) != size || fclose(file) != 0)
    fail(std::string(output) + " cannot be written");
  _exit(0);
}
