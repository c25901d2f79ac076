// Node-API over QuickJS: numbers, strings, booleans, bigints, and what kind a value is.
#include <climits>
#include <cmath>
#include <cstring>
#include <string>

#include "engine/env.h"
#include "engine/text.h"

namespace {

napi_status give_fixed(napi_env env, JSValue napi_env__::*value, napi_value* result) {
  CHECK_ENV(env);
  CHECK_ARG(env, result);
  *result = reinterpret_cast<napi_value>(&(env->*value));
  return env->set(napi_ok);
}

template <typename Number, typename Convert>
napi_status get_number(napi_env env, napi_value value, Number* result, Convert convert) {
  CHECK_ENV(env);
  CHECK_ARG(env, value);
  CHECK_ARG(env, result);
  CHECK(env, JS_IsNumber(value_of(value)), napi_number_expected);
  convert(value_of(value));
  return env->set(napi_ok);
}

int64_t saturated(double number) {
  if (!std::isfinite(number)) return 0;
  if (number >= 9223372036854775808.0) return INT64_MAX;
  if (number <= -9223372036854775808.0) return INT64_MIN;
  return static_cast<int64_t>(number);
}

}  // namespace

extern "C" {

napi_status napi_get_undefined(napi_env env, napi_value* result) {
  return give_fixed(env, &napi_env__::undefined, result);
}

napi_status napi_get_null(napi_env env, napi_value* result) {
  return give_fixed(env, &napi_env__::null, result);
}

napi_status napi_get_boolean(napi_env env, bool value, napi_value* result) {
  return give_fixed(env, value ? &napi_env__::yes : &napi_env__::no, result);
}

napi_status napi_create_double(napi_env env, double value, napi_value* result) {
  CHECK_ENV(env);
  CHECK_ARG(env, result);
  return env->give(JS_NewFloat64(env->context, value), result);
}

napi_status napi_create_bigint_uint64(napi_env env, uint64_t value, napi_value* result) {
  CHECK_ENV(env);
  CHECK_ARG(env, result);
  return env->give(JS_NewBigUint64(env->context, value), result);
}

napi_status napi_create_string_utf8(napi_env env, const char* text, size_t length,
                                    napi_value* result) {
  CHECK_ENV(env);
  CHECK(env, text != nullptr || length == 0, napi_invalid_arg);
  CHECK_ARG(env, result);
  CHECK(env, length == NAPI_AUTO_LENGTH || length <= INT_MAX, napi_invalid_arg);
  const size_t size = length == NAPI_AUTO_LENGTH ? strlen(text) : length;
  return env->give(text_from_bytes(env->context, {text, size}), result);
}

napi_status napi_typeof(napi_env env, napi_value value, napi_valuetype* result) {
  CHECK_ENV(env);
  CHECK_ARG(env, value);
  CHECK_ARG(env, result);
  const JSValue what = value_of(value);
  if (JS_IsNumber(what))
    *result = napi_number;
  else if (JS_IsString(what))
    *result = napi_string;
  else if (JS_IsUndefined(what))
    *result = napi_undefined;
  else if (JS_IsNull(what))
    *result = napi_null;
  else if (JS_IsBool(what))
    *result = napi_boolean;
  else if (JS_IsBigInt(env->context, what))
    *result = napi_bigint;
  else if (JS_IsSymbol(what))
    *result = napi_symbol;
  else if (JS_IsFunction(env->context, what))
    *result = napi_function;
  else
    *result = napi_object;
  return env->set(napi_ok);
}

napi_status napi_get_value_double(napi_env env, napi_value value, double* result) {
  return get_number(env, value, result,
                    [&](JSValue number) { JS_ToFloat64(env->context, result, number); });
}

napi_status napi_get_value_int32(napi_env env, napi_value value, int32_t* result) {
  return get_number(env, value, result,
                    [&](JSValue number) { JS_ToInt32(env->context, result, number); });
}

napi_status napi_get_value_uint32(napi_env env, napi_value value, uint32_t* result) {
  return get_number(env, value, result,
                    [&](JSValue number) { JS_ToUint32(env->context, result, number); });
}

napi_status napi_get_value_int64(napi_env env, napi_value value, int64_t* result) {
  return get_number(env, value, result, [&](JSValue number) {
    double exact = 0;
    JS_ToFloat64(env->context, &exact, number);
    *result = saturated(exact);
  });
}

napi_status napi_get_value_bool(napi_env env, napi_value value, bool* result) {
  CHECK_ENV(env);
  CHECK_ARG(env, value);
  CHECK_ARG(env, result);
  CHECK(env, JS_IsBool(value_of(value)), napi_boolean_expected);
  *result = JS_ToBool(env->context, value_of(value)) == 1;
  return env->set(napi_ok);
}

napi_status napi_get_value_bigint_uint64(napi_env env, napi_value value, uint64_t* result,
                                         bool* lossless) {
  CHECK_ENV(env);
  CHECK_ARG(env, value);
  CHECK_ARG(env, result);
  CHECK_ARG(env, lossless);
  CHECK(env, JS_IsBigInt(env->context, value_of(value)), napi_bigint_expected);
  int64_t low = 0;
  if (JS_ToBigInt64(env->context, &low, value_of(value)) < 0)
    return env->set(napi_pending_exception);
  *result = static_cast<uint64_t>(low);
  const JSValue back = JS_NewBigUint64(env->context, *result);
  *lossless = JS_StrictEq(env->context, back, value_of(value));
  JS_FreeValue(env->context, back);
  return env->set(napi_ok);
}

napi_status napi_get_value_string_utf8(napi_env env, napi_value value, char* buffer, size_t size,
                                       size_t* result) {
  CHECK_ENV(env);
  CHECK_ARG(env, value);
  CHECK(env, JS_IsString(value_of(value)), napi_string_expected);
  CHECK(env, buffer != nullptr || result != nullptr, napi_invalid_arg);
  std::string bytes;
  if (!bytes_from_text(env->context, value_of(value), bytes))
    return env->set(napi_pending_exception);
  if (buffer == nullptr) {
    *result = bytes.size();
    return env->set(napi_ok);
  }
  size_t copied = size == 0 ? 0 : bytes.size() < size ? bytes.size() : size - 1;
  // Never half a character.
  while (copied > 0 && copied < bytes.size() && (bytes[copied] & 0xc0) == 0x80) copied--;
  if (copied > 0) memcpy(buffer, bytes.data(), copied);
  if (size > 0) buffer[copied] = '\0';
  if (result != nullptr) *result = copied;
  return env->set(napi_ok);
}

}  // extern "C"
