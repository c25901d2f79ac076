// Functions of Node-API that the executable has not and Node's tests of the others call: in the program for tests alone, and
// mostly said in JavaScript.
#include <cstring>
#include <string>
#include <vector>

#include "judge/say.h"

napi_status say(napi_env env, const char* source, std::initializer_list<napi_value> values,
                napi_value* result) {
  ENTER(env);
  std::vector<JSValue> arguments;
  for (const napi_value value : values) {
    CHECK_ARG(env, value);
    arguments.push_back(value_of(value));
  }
  CHECK_ARG(env, result);
  const JSValue function =
      JS_Eval(env->context, source, strlen(source), "helper", JS_EVAL_TYPE_GLOBAL);
  const JSValue returned = JS_Call(env->context, function, JS_UNDEFINED,
                                   static_cast<int>(arguments.size()), arguments.data());
  JS_FreeValue(env->context, function);
  return env->give(returned, result);
}

napi_status ask(napi_env env, const char* source, std::initializer_list<napi_value> values,
                bool* result) {
  CHECK_ENV(env);
  CHECK_ARG(env, result);
  napi_value answer = nullptr;
  const napi_status status = say(env, source, values, &answer);
  if (status == napi_ok) *result = JS_ToBool(env->context, value_of(answer)) == 1;
  return status;
}

namespace {

napi_status text(napi_env env, const char* words, napi_value* result) {
  return napi_create_string_utf8(env, words, NAPI_AUTO_LENGTH, result);
}

napi_status new_error(napi_env env, const char* source, napi_value code, napi_value message,
                      napi_value* result) {
  CHECK_ENV(env);
  CHECK_ARG(env, message);
  CHECK_ARG(env, result);
  CHECK(env, JS_IsString(value_of(message)), napi_string_expected);
  CHECK(env, code == nullptr || JS_IsString(value_of(code)), napi_string_expected);
  napi_value none;
  napi_get_undefined(env, &none);
  return say(env, source, {message, code == nullptr ? none : code}, result);
}

napi_status throw_error(napi_env env, const char* source, const char* code, const char* message) {
  ENTER(env);
  napi_value words = nullptr, kind = nullptr, error = nullptr;
  text(env, message == nullptr ? "" : message, &words);
  if (code != nullptr) text(env, code, &kind);
  const napi_status status = new_error(env, source, kind, words, &error);
  return status == napi_ok ? napi_throw(env, error) : status;
}

#define ERROR_OF(kind) \
  "(m, c) => c === undefined ? new " kind "(m) : Object.assign(new " kind "(m), { code: c })"

template <typename T>
napi_status give_number(napi_env env, T value, napi_value* result) {
  return napi_create_double(env, static_cast<double>(value), result);
}

}  // namespace

extern "C" {

napi_status napi_create_int32(napi_env env, int32_t value, napi_value* result) {
  return give_number(env, value, result);
}
napi_status napi_create_uint32(napi_env env, uint32_t value, napi_value* result) {
  return give_number(env, value, result);
}
napi_status napi_create_int64(napi_env env, int64_t value, napi_value* result) {
  return give_number(env, value, result);
}
napi_status napi_create_bigint_int64(napi_env env, int64_t value, napi_value* result) {
  CHECK_ENV(env);
  CHECK_ARG(env, result);
  return env->give(JS_NewBigInt64(env->context, value), result);
}
napi_status napi_get_value_bigint_int64(napi_env env, napi_value value, int64_t* result,
                                        bool* lossless) {
  uint64_t bits = 0;
  bool unsigned_lossless = false;
  const napi_status status = napi_get_value_bigint_uint64(env, value, &bits, &unsigned_lossless);
  if (status != napi_ok) return status;
  *result = static_cast<int64_t>(bits);
  return ask(env, "(b) => BigInt.asIntN(64, b) === b", {value}, lossless);
}
napi_status napi_throw_error(napi_env env, const char* code, const char* message) {
  return throw_error(env, ERROR_OF("Error"), code, message);
}
napi_status napi_throw_type_error(napi_env env, const char* code, const char* message) {
  return throw_error(env, ERROR_OF("TypeError"), code, message);
}
napi_status napi_throw_range_error(napi_env env, const char* code, const char* message) {
  return throw_error(env, ERROR_OF("RangeError"), code, message);
}
napi_status node_api_throw_syntax_error(napi_env env, const char* code, const char* message) {
  return throw_error(env, ERROR_OF("SyntaxError"), code, message);
}
napi_status napi_create_range_error(napi_env env, napi_value code, napi_value message,
                                    napi_value* result) {
  return new_error(env, ERROR_OF("RangeError"), code, message, result);
}
napi_status node_api_create_syntax_error(napi_env env, napi_value code, napi_value message,
                                         napi_value* result) {
  return new_error(env, ERROR_OF("SyntaxError"), code, message, result);
}
napi_status napi_is_error(napi_env env, napi_value value, bool* result) {
  return ask(env, "(e) => e instanceof Error", {value}, result);
}

napi_status napi_get_version(napi_env env, uint32_t* result) {
  CHECK_ENV(env);
  *result = 9;
  return env->set(napi_ok);
}
napi_status napi_adjust_external_memory(napi_env env, int64_t change, int64_t* result) {
  CHECK_ENV(env);
  *result = change;
  return env->set(napi_ok);
}
napi_status napi_run_script(napi_env env, napi_value script, napi_value* result) {
  CHECK_ENV(env);
  CHECK(env, JS_IsString(value_of(script)), napi_string_expected);
  return say(env, "(s) => evaluate(s, 'script')", {script}, result);
}
napi_status napi_get_global(napi_env env, napi_value* result) {
  return say(env, "() => globalThis", {}, result);
}
napi_status napi_strict_equals(napi_env env, napi_value one, napi_value other, bool* result) {
  return ask(env, "(a, b) => a === b", {one, other}, result);
}
napi_status napi_get_prototype(napi_env env, napi_value object, napi_value* result) {
  return say(env, "(o) => Object.getPrototypeOf(o)", {object}, result);
}
napi_status napi_create_symbol(napi_env env, napi_value description, napi_value* result) {
  CHECK_ENV(env);
  if (description == nullptr) return say(env, "() => Symbol()", {}, result);
  CHECK(env, JS_IsString(value_of(description)), napi_string_expected);
  return say(env, "(d) => Symbol(d)", {description}, result);
}
napi_status node_api_symbol_for(napi_env env, const char* name, size_t length, napi_value* result) {
  napi_value words = nullptr;
  const napi_status status = napi_create_string_utf8(env, name, length, &words);
  return status == napi_ok ? say(env, "(d) => Symbol.for(d)", {words}, result) : status;
}
napi_status napi_new_instance(napi_env env, napi_value constructor, size_t count,
                              const napi_value* values, napi_value* result) {
  ENTER(env);
  CHECK_ARG(env, constructor);
  std::vector<JSValue> arguments;
  for (size_t at = 0; at < count; at++) arguments.push_back(value_of(values[at]));
  return env->give(JS_CallConstructor(env->context, value_of(constructor), static_cast<int>(count),
                                      arguments.data()),
                   result);
}

}  // extern "C"
