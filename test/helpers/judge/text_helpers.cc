// Functions of Node-API that the executable has not and Node's tests of the others call, of strings and bigints; in the
// program for tests.
#include <climits>
#include <cstring>
#include <string>
#include <vector>

#include "judge/say.h"

namespace {

/** A string of code units. */
template <typename Unit>
napi_status create(napi_env env, const Unit* units, size_t length, napi_value* result) {
  CHECK_ENV(env);
  CHECK(env, units != nullptr || length == 0, napi_invalid_arg);
  CHECK_ARG(env, result);
  CHECK(env, length == NAPI_AUTO_LENGTH || length <= INT_MAX, napi_invalid_arg);
  size_t size = 0;
  while (length == NAPI_AUTO_LENGTH ? units[size] != 0 : size < length) size++;
  napi_value list = nullptr;
  napi_create_array(env, &list);
  for (size_t at = 0; at < size; at++)
    napi_set_element(env, list, static_cast<uint32_t>(at),
                     number_of(env, static_cast<std::make_unsigned_t<Unit>>(units[at])));
  return say(env, "(list) => list.map((unit) => String.fromCharCode(unit)).join('')", {list},
             result);
}

template <typename Unit>
napi_status get(napi_env env, napi_value value, Unit* buffer, size_t size, size_t* result) {
  CHECK_ENV(env);
  CHECK_ARG(env, value);
  CHECK(env, JS_IsString(value_of(value)), napi_string_expected);
  CHECK(env, buffer != nullptr || result != nullptr, napi_invalid_arg);
  napi_value list = nullptr, unit = nullptr;
  say(env, "(s) => s.split('').map((unit) => unit.charCodeAt(0))", {value}, &list);
  uint32_t length = 0, copied = 0, number = 0;
  napi_get_array_length(env, list, &length);
  for (; buffer != nullptr && copied < length && copied + 1 < size; copied++) {
    napi_get_element(env, list, copied, &unit);
    napi_get_value_uint32(env, unit, &number);
    buffer[copied] = static_cast<Unit>(number);
  }
  if (buffer != nullptr && size > 0) buffer[copied] = 0;
  if (result != nullptr) *result = buffer == nullptr ? length : copied;
  return env->set(napi_ok);
}

/** Copied at once, and given back at once, though it says that it isn't: nobody could tell. */
template <typename Unit>
napi_status create_external(napi_env env, Unit* units, size_t length,
                            node_api_basic_finalize finalize, void* hint, napi_value* result,
                            bool* copied) {
  const napi_status status = create(env, units, length, result);
  if (status != napi_ok) return status;
  if (copied != nullptr) *copied = false;
  if (finalize != nullptr) finalize(env, units, hint);
  return status;
}

}  // namespace

extern "C" {

napi_status napi_create_string_latin1(napi_env env, const char* text, size_t length,
                                      napi_value* result) {
  return create(env, text, length, result);
}
napi_status napi_create_string_utf16(napi_env env, const char16_t* text, size_t length,
                                     napi_value* result) {
  return create(env, reinterpret_cast<const short*>(text), length, result);
}
napi_status node_api_create_property_key_latin1(napi_env env, const char* text, size_t length,
                                                napi_value* result) {
  return create(env, text, length, result);
}
napi_status node_api_create_property_key_utf8(napi_env env, const char* text, size_t length,
                                              napi_value* result) {
  return napi_create_string_utf8(env, text, length, result);
}
napi_status node_api_create_property_key_utf16(napi_env env, const char16_t* text, size_t length,
                                               napi_value* result) {
  return napi_create_string_utf16(env, text, length, result);
}
napi_status node_api_create_external_string_latin1(napi_env env, char* text, size_t length,
                                                   node_api_basic_finalize finalize, void* hint,
                                                   napi_value* result, bool* copied) {
  return create_external(env, text, length, finalize, hint, result, copied);
}
napi_status node_api_create_external_string_utf16(napi_env env, char16_t* text, size_t length,
                                                  node_api_basic_finalize finalize, void* hint,
                                                  napi_value* result, bool* copied) {
  return create_external(env, reinterpret_cast<short*>(text), length, finalize, hint, result,
                         copied);
}
napi_status napi_get_value_string_latin1(napi_env env, napi_value value, char* buffer, size_t size,
                                         size_t* result) {
  return get(env, value, buffer, size, result);
}
napi_status napi_get_value_string_utf16(napi_env env, napi_value value, char16_t* buffer,
                                        size_t size, size_t* result) {
  return get(env, value, buffer, size, result);
}

napi_status napi_create_bigint_words(napi_env env, int sign, size_t count, const uint64_t* words,
                                     napi_value* result) {
  ENTER(env);
  CHECK_ARG(env, words);
  CHECK_ARG(env, result);
  CHECK(env, count <= INT_MAX, napi_invalid_arg);
  napi_value list = nullptr, one = nullptr;
  napi_create_array(env, &list);
  // Larger than any number of Node's tests that is to be made; it would be built word by word.
  if (count > 1 << 20)
    return say(env, "() => { throw new RangeError('Maximum BigInt size exceeded') }", {}, result);
  for (size_t at = 0; at < count; at++) {
    napi_create_bigint_uint64(env, words[at], &one);
    napi_set_element(env, list, static_cast<uint32_t>(at), one);
  }
  return say(env,
             "(w, s) => (s ? -1n : 1n) * w.reduceRight((sum, word) => (sum << 64n) + word, 0n)",
             {list, number_of(env, sign)}, result);
}
napi_status napi_get_value_bigint_words(napi_env env, napi_value value, int* sign, size_t* count,
                                        uint64_t* words) {
  CHECK_ENV(env);
  CHECK_ARG(env, value);
  CHECK(env, JS_IsBigInt(env->context, value_of(value)), napi_bigint_expected);
  napi_value list = nullptr, one = nullptr;
  bool negative = false, lossless = false;
  ask(env, "(b) => b < 0n", {value}, &negative);
  say(env,
      "(b) => { const w = []; for (let r = b < 0n ? -b : b; r > 0n; r >>= 64n)"
      " w.push(r & 0xffffffffffffffffn); return w }",
      {value}, &list);
  uint32_t length = 0;
  napi_get_array_length(env, list, &length);
  for (uint32_t at = 0; words != nullptr && at < length && at < *count; at++) {
    napi_get_element(env, list, at, &one);
    napi_get_value_bigint_uint64(env, one, &words[at], &lossless);
  }
  if (sign != nullptr) *sign = negative;
  *count = length;
  return env->set(napi_ok);
}

}  // extern "C"
