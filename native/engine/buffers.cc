// Node-API over QuickJS: ArrayBuffer and typed arrays.
#include <cstring>
#include <iterator>
#include <string>

#include "engine/env.h"

namespace {

struct Kind {
  const char* name;
  JSTypedArrayEnum engine;
  size_t size;
};

/** By napi_typedarray_type. */
constexpr Kind kinds[] = {
    {"Int8Array", JS_TYPED_ARRAY_INT8, 1},
    {"Uint8Array", JS_TYPED_ARRAY_UINT8, 1},
    {"Uint8ClampedArray", JS_TYPED_ARRAY_UINT8C, 1},
    {"Int16Array", JS_TYPED_ARRAY_INT16, 2},
    {"Uint16Array", JS_TYPED_ARRAY_UINT16, 2},
    {"Int32Array", JS_TYPED_ARRAY_INT32, 4},
    {"Uint32Array", JS_TYPED_ARRAY_UINT32, 4},
    {"Float32Array", JS_TYPED_ARRAY_FLOAT32, 4},
    {"Float64Array", JS_TYPED_ARRAY_FLOAT64, 8},
    {"BigInt64Array", JS_TYPED_ARRAY_BIG_INT64, 8},
    {"BigUint64Array", JS_TYPED_ARRAY_BIG_UINT64, 8},
};

void free_bytes(JSRuntime* runtime, void*, void* bytes) { js_free_rt(runtime, bytes); }

/** Index in `kinds` of a typed array, or their number. */
size_t kind_of(napi_env env, JSValueConst array) {
  const JSValue tag = JS_GetProperty(env->context, array, env->string_tag);
  const char* name = JS_ToCString(env->context, tag);
  size_t at = 0;
  while (at < std::size(kinds) && (name == nullptr || strcmp(name, kinds[at].name) != 0)) at++;
  JS_FreeCString(env->context, name);
  JS_FreeValue(env->context, tag);
  return at;
}

/** Takes back the exception of a question whose answer is a status. */
napi_status forget(napi_env env, napi_status status) {
  JS_FreeValue(env->context, JS_GetException(env->context));
  return env->set(status);
}

/** A RangeError with a code, in Node's words. */
napi_status refuse_range(napi_env env, const char* code, const std::string& words) {
  JSContext* context = env->context;
  JS_ThrowRangeError(context, "%s", words.c_str());
  const JSValue error = JS_GetException(context);
  JS_SetPropertyStr(context, error, "code", JS_NewString(context, code));
  JS_Throw(context, error);
  return env->set(napi_generic_failure);
}

}  // namespace

extern "C" {

napi_status napi_create_arraybuffer(napi_env env, size_t length, void** data, napi_value* result) {
  ENTER(env);
  CHECK_ARG(env, result);
  void* bytes = js_mallocz(env->context, length == 0 ? 1 : length);
  if (bytes == nullptr) return env->set(napi_pending_exception);
  JSValue buffer = JS_NewArrayBuffer(env->context, static_cast<uint8_t*>(bytes), length, free_bytes,
                                     nullptr, false);
  if (JS_IsException(buffer))
    js_free(env->context, bytes);
  else if (data != nullptr)
    *data = bytes;
  return env->give(buffer, result);
}

napi_status napi_get_arraybuffer_info(napi_env env, napi_value buffer, void** data,
                                      size_t* length) {
  CHECK_ENV(env);
  CHECK_ARG(env, buffer);
  size_t size = 0;
  uint8_t* bytes = JS_GetArrayBuffer(env->context, &size, value_of(buffer));
  if (bytes == nullptr && JS_HasException(env->context)) return forget(env, napi_invalid_arg);
  if (data != nullptr) *data = bytes;
  if (length != nullptr) *length = size;
  return env->set(napi_ok);
}

napi_status napi_create_typedarray(napi_env env, napi_typedarray_type type, size_t length,
                                   napi_value buffer, size_t offset, napi_value* result) {
  ENTER(env);
  CHECK_ARG(env, buffer);
  CHECK_ARG(env, result);
  const auto at = static_cast<size_t>(type);
  CHECK(env, at < std::size(kinds), napi_invalid_arg);
  JSContext* context = env->context;
  const Kind& kind = kinds[at];
  size_t room = 0;
  if (JS_GetArrayBuffer(context, &room, value_of(buffer)) == nullptr && JS_HasException(context))
    return forget(env, napi_invalid_arg);
  if (offset % kind.size != 0)
    return refuse_range(env, "ERR_NAPI_INVALID_TYPEDARRAY_ALIGNMENT",
                        std::string("start offset of ") + kind.name + " should be a multiple of " +
                            std::to_string(kind.size));
  if (offset > room || length > (room - offset) / kind.size)
    return refuse_range(env, "ERR_NAPI_INVALID_TYPEDARRAY_LENGTH", "Invalid typed array length");
  JSValue arguments[] = {value_of(buffer), JS_NewInt64(context, static_cast<int64_t>(offset)),
                         JS_NewInt64(context, static_cast<int64_t>(length))};
  return env->give(JS_NewTypedArray(context, 3, arguments, kind.engine), result);
}

napi_status napi_is_typedarray(napi_env env, napi_value value, bool* result) {
  CHECK_ENV(env);
  CHECK_ARG(env, value);
  CHECK_ARG(env, result);
  size_t at = 0, bytes = 0, size = 1;
  const JSValue owner = JS_GetTypedArrayBuffer(env->context, value_of(value), &at, &bytes, &size);
  *result = !JS_IsException(owner);
  if (!*result) return forget(env, napi_ok);
  JS_FreeValue(env->context, owner);
  return env->set(napi_ok);
}

napi_status napi_get_typedarray_info(napi_env env, napi_value array, napi_typedarray_type* type,
                                     size_t* length, void** data, napi_value* buffer,
                                     size_t* offset) {
  CHECK_ENV(env);
  CHECK_ARG(env, array);
  JSContext* context = env->context;
  size_t at = 0, bytes = 0, size = 1, whole = 0;
  JSValue owner = JS_GetTypedArrayBuffer(context, value_of(array), &at, &bytes, &size);
  if (JS_IsException(owner)) return forget(env, napi_invalid_arg);
  const size_t kind = type == nullptr ? 0 : kind_of(env, value_of(array));
  if (kind < std::size(kinds)) {
    if (type != nullptr) *type = static_cast<napi_typedarray_type>(kind);
    if (length != nullptr) *length = bytes / size;
    if (offset != nullptr) *offset = at;
    if (data != nullptr) {
      uint8_t* first = JS_GetArrayBuffer(context, &whole, owner);
      *data = first == nullptr ? nullptr : first + at;
    }
  }
  if (buffer != nullptr && kind < std::size(kinds))
    *buffer = env->keep(owner);
  else
    JS_FreeValue(context, owner);
  return env->set(kind < std::size(kinds) ? napi_ok : napi_invalid_arg);
}

}  // extern "C"
