// Functions of Node-API that the executable has not and Node's tests of the others call, of objects; in the program for tests.
#include <memory>

#include "judge/say.h"

namespace {

struct Wrap {
  void* data;
  napi_finalize finalize;
  void* hint;
};

/** What a source finds for an object, as its number. */
template <typename Act>
napi_status with_wrap(napi_env env, napi_value object, const char* source, Act act) {
  CHECK_ENV(env);
  CHECK_ARG(env, object);
  napi_value found = nullptr;
  double address = 0;
  if (say(env, source, {object}, &found) != napi_ok) return env->last.error_code;
  if (napi_get_value_double(env, found, &address) != napi_ok) return env->set(napi_invalid_arg);
  act(reinterpret_cast<Wrap*>(static_cast<uintptr_t>(address)));
  return env->set(napi_ok);
}

}  // namespace

extern "C" {

napi_status napi_set_property(napi_env env, napi_value object, napi_value key, napi_value value) {
  napi_value none = nullptr;
  return say(env, "(o, k, v) => { o[k] = v }", {object, key, value}, &none);
}
napi_status napi_has_own_property(napi_env env, napi_value object, napi_value key, bool* result) {
  CHECK_ENV(env);
  CHECK_ARG(env, key);
  CHECK(env, JS_IsString(value_of(key)) || JS_IsSymbol(value_of(key)), napi_name_expected);
  return ask(env, "(o, k) => Object.hasOwn(o, k)", {object, key}, result);
}
napi_status napi_has_named_property(napi_env env, napi_value object, const char* name,
                                    bool* result) {
  CHECK_ENV(env);
  CHECK_ARG(env, object);
  CHECK_ARG(env, name);
  napi_value key = nullptr;
  napi_create_string_utf8(env, name, NAPI_AUTO_LENGTH, &key);
  return napi_has_property(env, object, key, result);
}
napi_status napi_delete_property(napi_env env, napi_value object, napi_value key, bool* result) {
  bool unused;
  return ask(env, "(o, k) => Reflect.deleteProperty(Object(o), k)", {object, key},
             result == nullptr ? &unused : result);
}
napi_status napi_delete_element(napi_env env, napi_value object, uint32_t at, bool* result) {
  return napi_delete_property(env, object, number_of(env, at), result);
}
napi_status napi_has_element(napi_env env, napi_value object, uint32_t at, bool* result) {
  return napi_has_property(env, object, number_of(env, at), result);
}
napi_status napi_get_property_names(napi_env env, napi_value object, napi_value* result) {
  return say(env, "(o) => { const all = []; for (const k in Object(o)) all.push(k); return all }",
             {object}, result);
}
napi_status napi_coerce_to_bool(napi_env env, napi_value value, napi_value* result) {
  return say(env, "(v) => Boolean(v)", {value}, result);
}
napi_status napi_coerce_to_number(napi_env env, napi_value value, napi_value* result) {
  return say(env, "(v) => +v", {value}, result);
}
napi_status napi_coerce_to_string(napi_env env, napi_value value, napi_value* result) {
  return say(env, "(v) => `${v}`", {value}, result);
}
napi_status napi_coerce_to_object(napi_env env, napi_value value, napi_value* result) {
  return say(env, "(v) => Object(v)", {value}, result);
}
napi_status napi_is_arraybuffer(napi_env env, napi_value value, bool* result) {
  return ask(env, "(v) => v instanceof ArrayBuffer", {value}, result);
}

/** By the numbers of napi_key_collection_mode, napi_key_filter and napi_key_conversion. */
napi_status napi_get_all_property_names(napi_env env, napi_value object,
                                        napi_key_collection_mode mode, napi_key_filter filter,
                                        napi_key_conversion conversion, napi_value* result) {
  CHECK_ENV(env);
  return say(env,
             R"((object, own, filter, text) => {
    const found = new Set()
    for (let at = object; at !== null; at = own ? null : Object.getPrototypeOf(at))
      for (const key of Reflect.ownKeys(at)) {
        const { writable, enumerable, configurable } = Reflect.getOwnPropertyDescriptor(at, key)
        if (filter & 1 && !writable || filter & 2 && !enumerable || filter & 4 && !configurable) continue
        if (filter & 8 && typeof key === 'string' || filter & 16 && typeof key === 'symbol') continue
        found.add(!text && typeof key === 'string' && String(key >>> 0) === key ? +key : key)
      }
    return [...found]
  })",
             {object, number_of(env, mode), number_of(env, filter), number_of(env, conversion)},
             result);
}
napi_status napi_object_freeze(napi_env env, napi_value object) {
  napi_value none = nullptr;
  return say(env, "(o) => Object.freeze(o)", {object}, &none);
}
napi_status napi_object_seal(napi_env env, napi_value object) {
  napi_value none = nullptr;
  return say(env, "(o) => Object.seal(o)", {object}, &none);
}
napi_status napi_type_tag_object(napi_env env, napi_value object, const napi_type_tag* tag) {
  CHECK_ENV(env);
  bool is_new = false;
  napi_value low = nullptr, high = nullptr;
  napi_create_bigint_uint64(env, tag->lower, &low);
  napi_create_bigint_uint64(env, tag->upper, &high);
  const napi_status status = ask(env, "(o, l, h) => !(tags.has(o)) && tags.set(o, `${l} ${h}`)",
                                 {object, low, high}, &is_new);
  return status == napi_ok && !is_new ? env->set(napi_invalid_arg) : status;
}
napi_status napi_check_object_type_tag(napi_env env, napi_value object, const napi_type_tag* tag,
                                       bool* result) {
  CHECK_ENV(env);
  napi_value low = nullptr, high = nullptr;
  napi_create_bigint_uint64(env, tag->lower, &low);
  napi_create_bigint_uint64(env, tag->upper, &high);
  return ask(env, "(o, l, h) => tags.get(o) === `${l} ${h}`", {object, low, high}, result);
}

/** Without references to what is wrapped: they would be weak. */
napi_status napi_wrap(napi_env env, napi_value object, void* data, napi_finalize finalize,
                      void* hint, napi_ref* reference) {
  CHECK_ENV(env);
  CHECK(env, reference == nullptr, napi_generic_failure);
  CHECK_ARG(env, object);
  CHECK(env, JS_IsObject(value_of(object)), napi_object_expected);
  auto* wrap = new Wrap{data, finalize, hint};
  bool is_new = false;
  napi_status status = ask(env, "(o, w) => !(wraps.has(o)) && wraps.set(o, w)",
                           {object, number_of(env, reinterpret_cast<uintptr_t>(wrap))}, &is_new);
  if (status == napi_ok && !is_new) status = env->set(napi_invalid_arg);
  if (status == napi_ok)
    status = napi_add_finalizer(
        env, object, wrap,
        [](napi_env own, void* of, void*) {
          const std::unique_ptr<Wrap> dead(static_cast<Wrap*>(of));
          if (dead->finalize != nullptr) dead->finalize(own, dead->data, dead->hint);
        },
        nullptr, nullptr);
  if (status != napi_ok) delete wrap;
  return status;
}
napi_status napi_unwrap(napi_env env, napi_value object, void** result) {
  return with_wrap(env, object, "(o) => wraps.get(o)", [&](Wrap* wrap) { *result = wrap->data; });
}
napi_status napi_remove_wrap(napi_env env, napi_value object, void** result) {
  return with_wrap(env, object, "(o) => { const w = wraps.get(o); wraps.delete(o); return w }",
                   [&](Wrap* wrap) {
                     if (result != nullptr) *result = wrap->data;
                     wrap->finalize = nullptr;
                   });
}

/** An object of no kind of its own. */
napi_status napi_create_external(napi_env env, void* data, napi_finalize finalize, void* hint,
                                 napi_value* result) {
  const napi_status status = say(env, "() => Object.create(null)", {}, result);
  return status == napi_ok ? napi_wrap(env, *result, data, finalize, hint, nullptr) : status;
}
napi_status napi_get_value_external(napi_env env, napi_value value, void** result) {
  return napi_unwrap(env, value, result);
}

napi_status napi_create_external_arraybuffer(napi_env env, void* data, size_t length,
                                             napi_finalize finalize, void* hint,
                                             napi_value* result) {
  ENTER(env);
  CHECK_ARG(env, result);
  const JSValue buffer = JS_NewArrayBuffer(
      env->context, static_cast<uint8_t*>(data), length, [](JSRuntime*, void*, void*) {}, nullptr,
      false);
  const napi_status status = env->give(buffer, result);
  if (status == napi_ok && data == nullptr) return napi_detach_arraybuffer(env, *result);
  return status != napi_ok || finalize == nullptr
             ? status
             : napi_add_finalizer(env, *result, data, finalize, hint, nullptr);
}
napi_status napi_detach_arraybuffer(napi_env env, napi_value buffer) {
  CHECK_ENV(env);
  JS_DetachArrayBuffer(env->context, value_of(buffer));
  return env->set(napi_ok);
}
napi_status napi_is_detached_arraybuffer(napi_env env, napi_value buffer, bool* result) {
  return ask(env, "(b) => { try { return !new Uint8Array(b) } catch { return true } }", {buffer},
             result);
}

}  // extern "C"
