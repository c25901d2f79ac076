// Node-API over QuickJS: references and finalizers.
#include <algorithm>

#include "engine/env.h"

/** A reference that keeps its value alive. */
struct napi_ref__ {
  JSValue value;
};

JSValue run_finalizer(JSContext* context, JSValueConst, int count, JSValueConst* values) {
  auto* env = static_cast<napi_env>(JS_GetContextOpaque(context));
  auto* finalizer =
      count < 1 ? nullptr : static_cast<Finalizer*>(JS_GetOpaque(values[0], finalizer_class));
  const auto place = std::find(env->finalizers.begin(), env->finalizers.end(), finalizer);
  if (place == env->finalizers.end()) return JS_UNDEFINED;
  env->finalizers.erase(place);
  const std::unique_ptr<Finalizer> owned(finalizer);
  const size_t mark = env->top;
  env->set(napi_ok);
  owned->function(env, owned->data, owned->hint);
  env->close_to(mark);
  return JS_HasException(context) ? JS_EXCEPTION : JS_UNDEFINED;
}

extern "C" {

/** Only references with a count: the addon has no weak ones, and one that kept its value would be a leak. */
napi_status napi_create_reference(napi_env env, napi_value value, uint32_t count,
                                  napi_ref* result) {
  CHECK_ENV(env);
  CHECK_ARG(env, value);
  CHECK_ARG(env, result);
  CHECK(env, JS_IsObject(value_of(value)) || JS_IsSymbol(value_of(value)), napi_invalid_arg);
  CHECK(env, count > 0, napi_generic_failure);
  *result = reinterpret_cast<napi_ref>(new napi_ref__{JS_DupValue(env->context, value_of(value))});
  return env->set(napi_ok);
}

napi_status napi_delete_reference(napi_env env, napi_ref reference) {
  CHECK_ENV(env);
  CHECK_ARG(env, reference);
  const std::unique_ptr<napi_ref__> owned(reinterpret_cast<napi_ref__*>(reference));
  JS_FreeValue(env->context, owned->value);
  return env->set(napi_ok);
}

napi_status napi_get_reference_value(napi_env env, napi_ref reference, napi_value* result) {
  CHECK_ENV(env);
  CHECK_ARG(env, reference);
  CHECK_ARG(env, result);
  *result = env->keep(JS_DupValue(env->context, reinterpret_cast<napi_ref__*>(reference)->value));
  return env->set(napi_ok);
}

napi_status napi_add_finalizer(napi_env env, napi_value object, void* data, napi_finalize function,
                               void* hint, napi_ref* result) {
  CHECK_ENV(env);
  CHECK_ARG(env, object);
  CHECK_ARG(env, function);
  CHECK(env, JS_IsObject(value_of(object)), napi_invalid_arg);
  // It would be a weak reference.
  CHECK(env, result == nullptr, napi_generic_failure);
  JSContext* context = env->context;
  JSValue holder = JS_NewObjectProtoClass(context, JS_NULL, finalizer_class);
  if (JS_IsException(holder)) return env->set(napi_pending_exception);
  auto* finalizer = new Finalizer{function, data, hint};
  JS_SetOpaque(holder, finalizer);
  JSValue arguments[] = {value_of(object), holder};
  const JSValue done = JS_Call(context, env->registry_register, env->registry, 2, arguments);
  JS_FreeValue(context, holder);
  if (JS_IsException(done)) {
    delete finalizer;
    return env->set(napi_pending_exception);
  }
  env->finalizers.push_back(finalizer);
  return env->set(napi_ok);
}

// Of node-addon-api's classes, which tsrun's addon has no objects of.
napi_status napi_async_destroy(napi_env, napi_async_context) { return napi_invalid_arg; }
napi_status napi_close_callback_scope(napi_env, napi_callback_scope) { return napi_invalid_arg; }

}  // extern "C"
