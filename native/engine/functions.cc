// Node-API over QuickJS: native functions, calls, exceptions.
#include <cstring>
#include <vector>

#include "engine/env.h"
#include "engine/heap.h"
#include "engine/text.h"

JSValue call_native(JSContext* context, JSValueConst function, JSValueConst self, int count,
                    JSValueConst* values, int) {
  const auto* callback = static_cast<Callback*>(JS_GetOpaque(function, callback_class));
  if (making_snapshot)
    return JS_ThrowTypeError(context, "a module calls native code when it is loaded");
  napi_env env = callback->env;
  const size_t mark = env->top, depth = env->scopes.size();
  napi_callback_info__ info{self, count, values, callback->data};
  env->set(napi_ok);
  napi_value returned = callback->function(env, &info);
  // With an exception pending, what is returned is not looked at: it need not be a handle.
  const bool thrown = JS_HasException(context);
  JSValue result = thrown                ? JS_EXCEPTION
                   : returned == nullptr ? JS_UNDEFINED
                                         : JS_DupValue(context, value_of(returned));
  env->scopes.resize(depth);
  env->close_to(mark);
  return result;
}

namespace {

napi_status new_error(napi_env env, const char* kind, napi_value code, napi_value message,
                      napi_value* result) {
  CHECK_ENV(env);
  CHECK_ARG(env, message);
  CHECK_ARG(env, result);
  CHECK(env, JS_IsString(value_of(message)), napi_string_expected);
  CHECK(env, code == nullptr || JS_IsString(value_of(code)), napi_string_expected);
  JSContext* context = env->context;
  const JSValue global = JS_GetGlobalObject(context);
  const JSValue constructor = JS_GetPropertyStr(context, global, kind);
  JSValue error = JS_CallConstructor(context, constructor, 1, &value_of(message));
  JS_FreeValue(context, constructor);
  JS_FreeValue(context, global);
  if (!JS_IsException(error) && code != nullptr &&
      JS_SetPropertyStr(context, error, "code", JS_DupValue(context, value_of(code))) < 0) {
    JS_FreeValue(context, error);
    error = JS_EXCEPTION;
  }
  return env->give(error, result);
}

}  // namespace

extern "C" {

napi_status napi_create_function(napi_env env, const char* name, size_t length,
                                 napi_callback callback, void* data, napi_value* result) {
  ENTER(env);
  CHECK_ARG(env, result);
  CHECK_ARG(env, callback);
  JSContext* context = env->context;
  JSValue function = JS_NewObjectProtoClass(context, env->function_prototype, callback_class);
  if (JS_IsException(function)) return env->set(napi_pending_exception);
  JS_SetOpaque(function, new Callback{env, callback, data});
  if (name != nullptr) {
    const size_t size = length == NAPI_AUTO_LENGTH ? strlen(name) : length;
    JSValue text = text_from_bytes(context, {name, size});
    if (JS_IsException(text) ||
        JS_DefinePropertyValueStr(context, function, "name", text, JS_PROP_CONFIGURABLE) < 0) {
      JS_FreeValue(context, function);
      return env->set(napi_pending_exception);
    }
  }
  return env->give(function, result);
}

napi_status napi_get_cb_info(napi_env env, napi_callback_info info, size_t* count,
                             napi_value* values, napi_value* self, void** data) {
  CHECK_ENV(env);
  CHECK_ARG(env, info);
  const auto given = static_cast<size_t>(info->count);
  if (values != nullptr) {
    CHECK_ARG(env, count);
    for (size_t at = 0; at < *count; at++) {
      values[at] = at < given ? env->keep(JS_DupValue(env->context, info->values[at]))
                              : reinterpret_cast<napi_value>(&env->undefined);
    }
  }
  if (count != nullptr) *count = given;
  if (self != nullptr) *self = env->keep(JS_DupValue(env->context, info->self));
  if (data != nullptr) *data = info->data;
  return env->set(napi_ok);
}

napi_status napi_call_function(napi_env env, napi_value self, napi_value function, size_t count,
                               const napi_value* values, napi_value* result) {
  ENTER(env);
  CHECK_ARG(env, self);
  CHECK(env, count == 0 || values != nullptr, napi_invalid_arg);
  CHECK_ARG(env, function);
  CHECK(env, JS_IsFunction(env->context, value_of(function)), napi_invalid_arg);
  std::vector<JSValue> arguments(count);
  for (size_t at = 0; at < count; at++) {
    CHECK_ARG(env, values[at]);
    arguments[at] = value_of(values[at]);
  }
  JSValue returned = JS_Call(env->context, value_of(function), value_of(self),
                             static_cast<int>(count), arguments.data());
  if (JS_IsException(returned)) return env->set(napi_pending_exception);
  if (result != nullptr) return env->give(returned, result);
  JS_FreeValue(env->context, returned);
  return env->set(napi_ok);
}

napi_status napi_create_error(napi_env env, napi_value code, napi_value message,
                              napi_value* result) {
  return new_error(env, "Error", code, message, result);
}

napi_status napi_create_type_error(napi_env env, napi_value code, napi_value message,
                                   napi_value* result) {
  return new_error(env, "TypeError", code, message, result);
}

napi_status napi_throw(napi_env env, napi_value error) {
  ENTER(env);
  CHECK_ARG(env, error);
  JS_Throw(env->context, JS_DupValue(env->context, value_of(error)));
  return env->set(napi_ok);
}

napi_status napi_is_exception_pending(napi_env env, bool* result) {
  CHECK_ENV(env);
  CHECK_ARG(env, result);
  *result = JS_HasException(env->context);
  return env->set(napi_ok);
}

napi_status napi_get_and_clear_last_exception(napi_env env, napi_value* result) {
  CHECK_ENV(env);
  CHECK_ARG(env, result);
  if (!JS_HasException(env->context)) return napi_get_undefined(env, result);
  *result = env->keep(JS_GetException(env->context));
  return env->set(napi_ok);
}

}  // extern "C"
