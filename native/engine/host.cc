// The globals of the executable. All else (files, processes, sockets, waiting) is the addon's.
#include "engine/host.h"

#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "engine/env.h"
#include "engine/heap.h"
#include "engine/text.h"

extern "C" napi_value napi_register_module_v1(napi_env env, napi_value exports);
extern char** environ;

namespace {

/** The snapshot that the executable begins with must hold nothing of the machine that it is made on. */
bool refuse_in_build(JSContext* context) {
  if (making_snapshot) JS_ThrowTypeError(context, "a module looks at the host when it is loaded");
  return making_snapshot;
}

JSValue process_exit(JSContext* context, JSValueConst, int count, JSValueConst* values) {
  if (refuse_in_build(context)) return JS_EXCEPTION;
  int32_t status = 0;
  if (count > 0 && JS_ToInt32(context, &status, values[0]) < 0) return JS_EXCEPTION;
  end_process(status);
}

/** Throws where there is no working directory any more: absolute paths work all the same. */
JSValue process_cwd(JSContext* context, JSValueConst, int, JSValueConst*) {
  if (refuse_in_build(context)) return JS_EXCEPTION;
  char* path = getcwd(nullptr, 0);
  // Since Linux 2.6.36 the kernel says so of a directory that is out of reach (getcwd(3)).
  if (path == nullptr || path[0] != '/') {
    const int error = path == nullptr ? errno : ENOENT;
    free(path);
    return JS_ThrowTypeError(context, "no current working directory: %s", strerror(error));
  }
  const JSValue text = text_from_bytes(context, path);
  free(path);
  return text;
}

/** The addon is part of the executable: the path that Node would load is not looked at. */
JSValue process_dlopen(JSContext* context, JSValueConst, int count, JSValueConst* values) {
  auto* env = static_cast<napi_env>(JS_GetContextOpaque(context));
  if (count < 1) return JS_ThrowTypeError(context, "no module given");
  JSValue exports = JS_GetPropertyStr(context, values[0], "exports");
  if (JS_IsException(exports)) return JS_EXCEPTION;
  const size_t mark = env->top;
  napi_register_module_v1(env, env->keep(exports));
  env->close_to(mark);
  return JS_HasException(context) ? JS_EXCEPTION : JS_UNDEFINED;
}

JSValue performance_now(JSContext* context, JSValueConst, int, JSValueConst*) {
  if (refuse_in_build(context)) return JS_EXCEPTION;
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return JS_NewFloat64(
      context, static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6);
}

JSValue console_error(JSContext* context, JSValueConst, int count, JSValueConst* values) {
  std::string line;
  if (count > 0 && !bytes_from_text(context, values[0], line)) return JS_EXCEPTION;
  line.push_back('\n');
  // There is nobody to tell that it can't be told.
  (void)!write(STDERR_FILENO, line.data(), line.size());
  return JS_UNDEFINED;
}

JSValue encode(JSContext* context, JSValueConst, int count, JSValueConst* values) {
  std::string bytes;
  if (count > 0 && !bytes_from_text(context, values[0], bytes)) return JS_EXCEPTION;
  JSValue buffer =
      JS_NewArrayBufferCopy(context, reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  if (JS_IsException(buffer)) return buffer;
  // The engine reads offset and length too, whatever the count says.
  JSValue whole[] = {buffer, JS_UNDEFINED, JS_UNDEFINED};
  JSValue array = JS_NewTypedArray(context, 3, whole, JS_TYPED_ARRAY_UINT8);
  JS_FreeValue(context, buffer);
  return array;
}

/** Writes as many whole characters as there is room for. `read` counts the bytes' UTF-16 units. */
JSValue encode_into(JSContext* context, JSValueConst, int count, JSValueConst* values) {
  std::string bytes;
  if (count < 2) return JS_ThrowTypeError(context, "encodeInto takes a text and a Uint8Array");
  if (!bytes_from_text(context, values[0], bytes)) return JS_EXCEPTION;
  size_t at = 0, room = 0, size = 0, whole = 0;
  JSValue buffer = JS_GetTypedArrayBuffer(context, values[1], &at, &room, &size);
  if (JS_IsException(buffer)) return buffer;
  uint8_t* first = JS_GetArrayBuffer(context, &whole, buffer);
  JS_FreeValue(context, buffer);
  size_t written = bytes.size() < room ? bytes.size() : room;
  while (written > 0 && written < bytes.size() && (bytes[written] & 0xc0) == 0x80) written--;
  if (written > 0) memcpy(first + at, bytes.data(), written);
  int64_t units = 0;
  for (size_t i = 0; i < written; i++) {
    const auto byte = static_cast<uint8_t>(bytes[i]);
    if ((byte & 0xc0) != 0x80) units += byte >= 0xf0 ? 2 : 1;
  }
  JSValue result = JS_NewObject(context);
  JS_SetPropertyStr(context, result, "read", JS_NewInt64(context, units));
  JS_SetPropertyStr(context, result, "written",
                    JS_NewInt64(context, static_cast<int64_t>(written)));
  return result;
}

void add(JSContext* context, JSValueConst object, const char* name, JSCFunction* function,
         int length) {
  JS_SetPropertyStr(context, object, name, JS_NewCFunction(context, function, name, length));
}

JSValue new_encoder(JSContext* context, JSValueConst, int, JSValueConst*) {
  JSValue encoder = JS_NewObject(context);
  add(context, encoder, "encode", encode, 1);
  add(context, encoder, "encodeInto", encode_into, 2);
  return encoder;
}

/** Bytes that are not UTF-8 become lone surrogates, as everywhere at the edges. */
JSValue decode(JSContext* context, JSValueConst, int count, JSValueConst* values) {
  if (count < 1) return JS_NewStringLen(context, "", 0);
  size_t at = 0, length = 0, size = 0, whole = 0;
  JSValue buffer = JS_GetTypedArrayBuffer(context, values[0], &at, &length, &size);
  if (JS_IsException(buffer)) return buffer;
  const uint8_t* first = JS_GetArrayBuffer(context, &whole, buffer);
  JS_FreeValue(context, buffer);
  if (first == nullptr && length > 0) return JS_EXCEPTION;
  return text_from_bytes(context, {reinterpret_cast<const char*>(first) + at, length});
}

JSValue new_decoder(JSContext* context, JSValueConst, int count, JSValueConst*) {
  if (count > 0)
    return JS_ThrowTypeError(context, "TextDecoder takes no label and no options here");
  JSValue decoder = JS_NewObject(context);
  add(context, decoder, "decode", decode, 1);
  return decoder;
}

/** In the place of the engine's own, which (2025-04-26) gives a negative number when bit 63 is set. */
JSValue as_unsigned(JSContext* context, JSValueConst, int count, JSValueConst* values) {
  int32_t bits = 0;
  int64_t number = 0;
  if (count < 2 || JS_ToInt32(context, &bits, values[0]) < 0 || bits != 64)
    return JS_HasException(context)
               ? JS_EXCEPTION
               : JS_ThrowTypeError(context, "BigInt.asUintN takes 64 bits here");
  if (JS_ToBigInt64(context, &number, values[1]) < 0) return JS_EXCEPTION;
  return JS_NewBigUint64(context, static_cast<uint64_t>(number));
}

void add_class(JSContext* context, JSValueConst global, const char* name, JSCFunction* construct) {
  JS_SetPropertyStr(context, global, name,
                    JS_NewCFunction2(context, construct, name, 0, JS_CFUNC_constructor, 0));
}

/** The environment is looked at when a variable is asked for: most commands ask for few. */
int get_variable(JSContext* context, JSPropertyDescriptor* description, JSValueConst, JSAtom atom) {
  if (refuse_in_build(context)) return -1;
  const JSValue key = JS_AtomToValue(context, atom);
  std::string name;
  const bool named = JS_IsString(key) && bytes_from_text(context, key, name);
  JS_FreeValue(context, key);
  const char* value = named && name.find('=') == name.npos ? getenv(name.c_str()) : nullptr;
  if (value == nullptr) return JS_HasException(context) ? -1 : 0;
  if (description == nullptr) return 1;
  *description = {JS_PROP_C_W_E, text_from_bytes(context, value), JS_UNDEFINED, JS_UNDEFINED};
  return JS_IsException(description->value) ? -1 : 1;
}

int list_variables(JSContext* context, JSPropertyEnum** names, uint32_t* count, JSValueConst) {
  if (refuse_in_build(context)) return -1;
  size_t entries = 0;
  while (environ[entries] != nullptr) entries++;
  auto* list = static_cast<JSPropertyEnum*>(js_malloc(context, (entries + 1) * sizeof **names));
  if (list == nullptr) return -1;
  *count = 0;
  for (char** entry = environ; *entry != nullptr; entry++) {
    const char* equals = strchr(*entry, '=');
    if (equals == nullptr) continue;
    const JSValue name = text_from_bytes(context, {*entry, static_cast<size_t>(equals - *entry)});
    list[(*count)++] = {true, JS_ValueToAtom(context, name)};
    JS_FreeValue(context, name);
  }
  *names = list;
  return 0;
}

JSValue environment(JSContext* context) {
  // Not by an assignment: what is not in the snapshot is there when a command starts only if the linker has put it there.
  static constinit JSClassExoticMethods methods = [] {
    JSClassExoticMethods own{};
    own.get_own_property = get_variable;
    own.get_own_property_names = list_variables;
    return own;
  }();
  JSClassDef definition{};
  definition.class_name = "Environment";
  definition.exotic = &methods;
  JSClassID id = 0;
  JS_NewClass(JS_GetRuntime(context), JS_NewClassID(&id), &definition);
  return JS_NewObjectProtoClass(context, JS_NULL, id);
}

/** As Node has it: the program, the script, the arguments. */
JSValue arguments(JSContext* context, int argc, char** argv) {
  JSValue list = JS_NewArray(context);
  JS_SetPropertyUint32(context, list, 0, text_from_bytes(context, argc > 0 ? argv[0] : "tsrun"));
  JS_SetPropertyUint32(context, list, 1, JS_NewString(context, "tsrun"));
  for (int at = 1; at < argc; at++)
    JS_SetPropertyUint32(context, list, static_cast<uint32_t>(at) + 1,
                         text_from_bytes(context, argv[at]));
  return list;
}

JSValue process_object(JSContext* context) {
  JSValue process = JS_NewObject(context), versions = JS_NewObject(context);
  JS_SetPropertyStr(context, versions, "quickjs", JS_NewString(context, TSRUN_ENGINE_VERSION));
  JS_SetPropertyStr(context, process, "versions", versions);
  JS_SetPropertyStr(context, process, "argv", JS_UNDEFINED);
  JS_SetPropertyStr(context, process, "env", environment(context));
  JS_SetPropertyStr(context, process, "execPath", JS_NewString(context, ""));
  add(context, process, "exit", process_exit, 1);
  add(context, process, "cwd", process_cwd, 0);
  add(context, process, "dlopen", process_dlopen, 2);
  return process;
}

}  // namespace

void end_process(int status) { _exit(status); }

JSValue define_host(napi_env env) {
  JSContext* context = env->context;
  const JSValue global = JS_GetGlobalObject(context), process = process_object(context);
  JSValue performance = JS_NewObject(context), console = JS_NewObject(context);
  add(context, performance, "now", performance_now, 0);
  add(context, console, "error", console_error, 1);
  JS_SetPropertyStr(context, global, "process", JS_DupValue(context, process));
  JS_SetPropertyStr(context, global, "performance", performance);
  JS_SetPropertyStr(context, global, "console", console);
  add_class(context, global, "TextEncoder", new_encoder);
  add_class(context, global, "TextDecoder", new_decoder);
  const JSValue big = JS_GetPropertyStr(context, global, "BigInt");
  add(context, big, "asUintN", as_unsigned, 2);
  JS_FreeValue(context, big);
  JS_FreeValue(context, global);
  return JS_HasException(context) ? JS_EXCEPTION : process;
}

bool set_arguments(JSContext* context, JSValueConst process, int argc, char** argv) {
  return JS_SetPropertyStr(context, process, "argv", arguments(context, argc, argv)) >= 0;
}
