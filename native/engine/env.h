// State of Node-API over QuickJS: handles, scopes, finalizers, and what each function checks first.
#pragma once
#include <node_api.h>

#include <memory>
#include <vector>

#include "engine/quickjs.h"

/** A native function of JavaScript and what it was made with. */
struct Callback {
  napi_env env;
  napi_callback function;
  void* data;
};

/** What is to be called once after an object's death, or at the end of the environment. */
struct Finalizer {
  napi_finalize function;
  void* data;
  void* hint;
};

/** A scope of handles: those above `mark` are freed when it closes. `escape`: the slot below it, in the scope outside. */
struct Scope {
  size_t mark;
  JSValue* escape;
  bool escaped;
};

/** One context of the engine. A napi_value is the address of a slot that owns one count of its value. */
struct napi_env__ {
  explicit napi_env__(JSContext* context);
  ~napi_env__();
  napi_env__(const napi_env__&) = delete;
  napi_env__& operator=(const napi_env__&) = delete;

  /** Takes over one count of `owned`; the handle lives until its scope closes. */
  napi_value keep(JSValue owned);
  /** Frees all handles above `mark`. */
  void close_to(size_t mark) noexcept;
  /** Sets the last error and returns it. */
  napi_status set(napi_status status) noexcept {
    last.error_code = status;
    return status;
  }
  /** The status for a value that the engine gave back: kept, or napi_pending_exception. */
  napi_status give(JSValue owned, napi_value* result) {
    if (JS_IsException(owned)) return set(napi_pending_exception);
    *result = keep(owned);
    return set(napi_ok);
  }

  JSContext* context;
  size_t top = 0;
  std::vector<Scope> scopes;
  napi_extended_error_info last{};
  // Values that need no slot of their own.
  JSValue undefined = JS_UNDEFINED, null = JS_NULL, yes = JS_TRUE, no = JS_FALSE;
  /** Symbol.toStringTag, by which the kind of a typed array is told. */
  JSAtom string_tag;
  /** Calls finalizers as jobs, never inside of a free; works for frozen objects too. */
  JSValue registry, registry_register;
  JSValue function_prototype;
  std::vector<Finalizer*> finalizers;

 private:
  static constexpr size_t kBlock = 512;
  std::vector<std::unique_ptr<JSValue[]>> blocks_;
  JSValue* slot(size_t at) { return &blocks_[at / kBlock][at % kBlock]; }
};

/** Arguments of one call. */
struct napi_callback_info__ {
  JSValueConst self;
  int count;
  JSValueConst* values;
  void* data;
};

inline JSValue& value_of(napi_value handle) { return *reinterpret_cast<JSValue*>(handle); }

/** Classes of the two kinds of objects that carry native data; for all environments of the process. */
extern JSClassID callback_class, finalizer_class;
/** Called by the engine for objects of `callback_class`. */
JSValue call_native(JSContext* context, JSValueConst function, JSValueConst self, int count,
                    JSValueConst* values, int flags);
/** Called by the registry with the holder of a finalizer whose object is dead. */
JSValue run_finalizer(JSContext* context, JSValueConst self, int count, JSValueConst* values);

// Checks, in Node's order. A missing environment has no last error.
#define CHECK_ENV(env) \
  if ((env) == nullptr) return napi_invalid_arg
#define CHECK_ARG(env, arg) \
  if ((arg) == nullptr) return (env)->set(napi_invalid_arg)
#define CHECK(env, condition, status) \
  if (!(condition)) return (env)->set(status)
// For what can run JavaScript: not while an exception is pending.
#define ENTER(env) \
  CHECK_ENV(env);  \
  CHECK(env, !JS_HasException((env)->context), napi_pending_exception)
