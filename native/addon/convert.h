// Conversions between JavaScript's values and the kinds of src/native/addon-table.ts; those of records
// and names are generated from them. A wrong type is a bug of the caller and throws a TypeError.
#pragma once
#include <napi.h>

#include <algorithm>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "addon/descriptors.h"
#include "addon/failure.h"
#include "addon/text.h"

namespace tsrun {

inline void expect(bool is, const Napi::Value& value, const char* what) {
  if (!is) throw Napi::TypeError::New(value.Env(), std::string("expected ") + what);
}

inline double take_number(const Napi::Value& value) {
  expect(value.IsNumber(), value, "a number");
  return value.As<Napi::Number>().DoubleValue();
}

inline int32_t take_i32(const Napi::Value& value) {
  expect(value.IsNumber(), value, "a number");
  return value.As<Napi::Number>().Int32Value();
}

inline uint32_t take_u32(const Napi::Value& value) {
  expect(value.IsNumber(), value, "a number");
  return value.As<Napi::Number>().Uint32Value();
}

inline int32_t take_fd(const Napi::Value& value) { return take_i32(value); }

// A bigint where a number would not be exact.
inline uint64_t take_u64(const Napi::Value& value) {
  if (!value.IsBigInt()) return static_cast<uint64_t>(take_number(value));
  bool lossless = true;
  return value.As<Napi::BigInt>().Uint64Value(&lossless);
}

inline bool take_boolean(const Napi::Value& value) {
  expect(value.IsBoolean(), value, "a boolean");
  return value.As<Napi::Boolean>().Value();
}

inline std::string take_text(const Napi::Value& value) {
  expect(value.IsString(), value, "a string");
  return bytes_of_text(value.As<Napi::String>());
}

// The kernel would see the path up to the NUL: another one.
inline std::string take_path(const Napi::Value& value) {
  std::string text = take_text(value);
  if (text.find('\0') != std::string::npos) throw_failure("open", EINVAL, text.c_str());
  return text;
}

inline Napi::Object take_object(const Napi::Value& value) {
  expect(value.IsObject(), value, "an object");
  return value.As<Napi::Object>();
}

inline Napi::Function take_callback(const Napi::Value& value) {
  expect(value.IsFunction(), value, "a function");
  return value.As<Napi::Function>();
}

// Good until the call returns: the memory is JavaScript's.
inline std::span<const uint8_t> take_bytes(const Napi::Value& value) {
  expect(value.IsTypedArray(), value, "a Uint8Array");
  const auto bytes = value.As<Napi::Uint8Array>();
  return {bytes.Data(), bytes.ByteLength()};
}

template <auto take_item>
auto take_list(const Napi::Value& value) {
  expect(value.IsArray(), value, "an array");
  const auto list = value.As<Napi::Array>();
  const uint32_t count = list.Length();
  std::vector<decltype(take_item(value))> items;
  items.reserve(count);
  for (uint32_t i = 0; i < count; i++) items.push_back(take_item(list.Get(i)));
  return items;
}

// Nothing for undefined.
template <auto take_value>
auto take_any(const Napi::Value& value) {
  using Result = std::optional<decltype(take_value(value))>;
  return value.IsUndefined() ? Result{} : Result{take_value(value)};
}

inline std::pair<std::string, std::string> take_pair(const Napi::Value& value) {
  expect(value.IsArray(), value, "an array");
  const auto pair = value.As<Napi::Array>();
  return {take_text(pair.Get(0u)), take_text(pair.Get(1u))};
}

inline constexpr auto take_texts = take_list<take_text>;
inline constexpr auto take_i32s = take_list<take_i32>;
inline constexpr auto take_pairs = take_list<take_pair>;

// The place of a text in a list of names.
inline size_t take_name(const Napi::Value& value, std::initializer_list<std::string_view> names) {
  const std::string text = take_text(value);
  size_t place = 0;
  for (const std::string_view name : names) {
    if (name == text) return place;
    place++;
  }
  throw Napi::TypeError::New(value.Env(), "unexpected " + text);
}

inline Napi::Value give(Napi::Env env, bool value) { return Napi::Boolean::New(env, value); }
inline Napi::Value give(Napi::Env env, int32_t value) { return Napi::Number::New(env, value); }
inline Napi::Value give(Napi::Env env, uint32_t value) { return Napi::Number::New(env, value); }
inline Napi::Value give(Napi::Env env, double value) { return Napi::Number::New(env, value); }
inline Napi::Value give(Napi::Env env, uint64_t value) { return Napi::BigInt::New(env, value); }
inline Napi::Value give(Napi::Env env, const std::string& value) {
  return text_of_bytes(env, value);
}

inline Napi::Value give(Napi::Env env, const std::vector<uint8_t>& value) {
  Napi::Uint8Array bytes = Napi::Uint8Array::New(env, value.size());
  std::copy(value.begin(), value.end(), bytes.Data());
  return bytes;
}

template <class T>
Napi::Value give(Napi::Env env, const std::vector<T>& value) {
  Napi::Array list = Napi::Array::New(env);
  uint32_t count = 0;
  for (const T& item : value) list.Set(count++, give(env, item));
  return list;
}

// Found where it is used, behind the records: their `give` is found by the namespace of their type.
template <class T>
Napi::Value give(Napi::Env env, const std::optional<T>& value) {
  return value ? give(env, *value) : env.Undefined();
}

}  // namespace tsrun
