// Node-API over QuickJS: an environment's beginning and end, its handles and scopes, its last error.
#include "engine/env.h"

#include <cstdio>
#include <cstdlib>

JSClassID callback_class, finalizer_class;

namespace {

void free_callback(JSRuntime*, JSValue value) {
  delete static_cast<Callback*>(JS_GetOpaque(value, callback_class));
}

JSValue global_member(JSContext* context, const char* name, const char* member) {
  const JSValue global = JS_GetGlobalObject(context);
  const JSValue object = JS_GetPropertyStr(context, global, name);
  const JSValue found = JS_GetPropertyStr(context, object, member);
  JS_FreeValue(context, object);
  JS_FreeValue(context, global);
  return found;
}

JSValue new_registry(JSContext* context) {
  const JSValue global = JS_GetGlobalObject(context);
  const JSValue constructor = JS_GetPropertyStr(context, global, "FinalizationRegistry");
  JSValue callback = JS_NewCFunction(context, run_finalizer, "finalize", 1);
  const JSValue registry = JS_CallConstructor(context, constructor, 1, &callback);
  JS_FreeValue(context, callback);
  JS_FreeValue(context, constructor);
  JS_FreeValue(context, global);
  return registry;
}

}  // namespace

napi_env__::napi_env__(JSContext* own) : context(own) {
  JSRuntime* runtime = JS_GetRuntime(context);
  JS_NewClassID(&callback_class);
  JS_NewClassID(&finalizer_class);
  if (!JS_IsRegisteredClass(runtime, callback_class)) {
    JSClassDef callback{};
    callback.class_name = "Function";
    callback.finalizer = free_callback;
    callback.call = call_native;
    JSClassDef finalizer{};
    finalizer.class_name = "Finalizer";
    if (JS_NewClass(runtime, callback_class, &callback) < 0 ||
        JS_NewClass(runtime, finalizer_class, &finalizer) < 0)
      abort();
  }
  JS_SetContextOpaque(context, this);
  const JSValue tag = global_member(context, "Symbol", "toStringTag");
  string_tag = JS_ValueToAtom(context, tag);
  JS_FreeValue(context, tag);
  function_prototype = global_member(context, "Function", "prototype");
  registry = new_registry(context);
  registry_register = JS_GetPropertyStr(context, registry, "register");
  if (JS_HasException(context)) abort();
}

napi_env__::~napi_env__() {
  scopes.clear();
  close_to(0);
  // Each finalizer that has not been called by now is called once.
  while (!finalizers.empty()) {
    const std::unique_ptr<Finalizer> last_one(finalizers.back());
    finalizers.pop_back();
    last_one->function(this, last_one->data, last_one->hint);
    close_to(0);
  }
  JS_FreeValue(context, registry_register);
  JS_FreeValue(context, registry);
  JS_FreeValue(context, function_prototype);
  JS_FreeAtom(context, string_tag);
}

napi_value napi_env__::keep(JSValue owned) {
  if (top == blocks_.size() * kBlock) blocks_.push_back(std::make_unique<JSValue[]>(kBlock));
  JSValue* place = slot(top++);
  *place = owned;
  return reinterpret_cast<napi_value>(place);
}

void napi_env__::close_to(size_t mark) noexcept {
  while (top > mark) JS_FreeValue(context, *slot(--top));
}

// A scope's handle is its depth, counted from 1: closing another than the innermost is refused.
static void* handle_of_innermost(napi_env env) {
  return reinterpret_cast<void*>(env->scopes.size());
}

static napi_status close_scope(napi_env env, void* scope) {
  CHECK_ENV(env);
  CHECK_ARG(env, scope);
  CHECK(env, scope == handle_of_innermost(env), napi_handle_scope_mismatch);
  env->close_to(env->scopes.back().mark);
  env->scopes.pop_back();
  return env->set(napi_ok);
}

extern "C" {

napi_status napi_open_handle_scope(napi_env env, napi_handle_scope* result) {
  CHECK_ENV(env);
  CHECK_ARG(env, result);
  env->scopes.push_back({env->top, nullptr, false});
  *result = static_cast<napi_handle_scope>(handle_of_innermost(env));
  return env->set(napi_ok);
}

napi_status napi_close_handle_scope(napi_env env, napi_handle_scope scope) {
  return close_scope(env, scope);
}

napi_status napi_open_escapable_handle_scope(napi_env env, napi_escapable_handle_scope* result) {
  CHECK_ENV(env);
  CHECK_ARG(env, result);
  // The slot of what escapes belongs to the scope outside.
  JSValue* escape = &value_of(env->keep(JS_UNDEFINED));
  env->scopes.push_back({env->top, escape, false});
  *result = static_cast<napi_escapable_handle_scope>(handle_of_innermost(env));
  return env->set(napi_ok);
}

napi_status napi_close_escapable_handle_scope(napi_env env, napi_escapable_handle_scope scope) {
  return close_scope(env, scope);
}

napi_status napi_escape_handle(napi_env env, napi_escapable_handle_scope scope, napi_value escapee,
                               napi_value* result) {
  CHECK_ENV(env);
  CHECK_ARG(env, scope);
  CHECK_ARG(env, escapee);
  CHECK_ARG(env, result);
  const auto depth = reinterpret_cast<size_t>(scope);
  CHECK(env, depth <= env->scopes.size() && env->scopes[depth - 1].escape != nullptr,
        napi_invalid_arg);
  Scope& outer = env->scopes[depth - 1];
  CHECK(env, !outer.escaped, napi_escape_called_twice);
  outer.escaped = true;
  *outer.escape = JS_DupValue(env->context, value_of(escapee));
  *result = reinterpret_cast<napi_value>(outer.escape);
  return env->set(napi_ok);
}

napi_status napi_get_last_error_info(napi_env env, const napi_extended_error_info** result) {
  CHECK_ENV(env);
  CHECK_ARG(env, result);
  static const char* const words[] = {nullptr,
                                      "Invalid argument",
                                      "An object was expected",
                                      "A string was expected",
                                      "A string or symbol was expected",
                                      "A function was expected",
                                      "A number was expected",
                                      "A boolean was expected",
                                      "An array was expected",
                                      "Unknown failure",
                                      "An exception is pending",
                                      "The async work item was cancelled",
                                      "napi_escape_handle already called on scope",
                                      "Invalid handle scope usage",
                                      "Invalid callback scope usage",
                                      "Thread-safe function queue is full",
                                      "Thread-safe function handle is closing",
                                      "A bigint was expected"};
  const auto code = static_cast<size_t>(env->last.error_code);
  env->last.error_message = code < sizeof words / sizeof *words ? words[code] : "Node-API failure";
  *result = &env->last;
  return napi_ok;
}

void napi_fatal_error(const char* location, size_t, const char* message, size_t) {
  fprintf(stderr, "tsrun: fatal error: %s %s\n", location == nullptr ? "" : location,
          message == nullptr ? "" : message);
  abort();
}

}  // extern "C"
