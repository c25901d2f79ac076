// One addon for two engines: each function calls one function of Node-API with what JavaScript gives it, and tells status
// and result as `[status, result]`, with the last error's words and a pending exception, which is cleared.
#include "twin.h"

#ifdef ON_ENGINE
#include "engine/env.h"
#endif

#include <cstring>
#include <string>

namespace {

using Function = napi_value (*)(const Call&);

napi_value type_of(const Call& c) {
  napi_valuetype type{};
  const napi_status status = napi_typeof(c.env, c.values[0], &type);
  return outcome(c.env, status, number(c.env, type));
}
template <typename T, napi_status (*get)(napi_env, napi_value, T*)>
napi_value value_as(const Call& c) {
  T value{};
  const napi_status status = get(c.env, c.values[0], &value);
  return outcome(c.env, status, number(c.env, static_cast<double>(value)));
}
template <napi_status (*is)(napi_env, napi_value, bool*)>
napi_value question(const Call& c) {
  bool answer = false;
  const napi_status status = is(c.env, c.values[0], &answer);
  return outcome(c.env, status, boolean(c.env, answer));
}
napi_value bigint(const Call& c) {
  uint64_t value = 0;
  bool lossless = false;
  const napi_status status = napi_get_value_bigint_uint64(c.env, c.values[0], &value, &lossless);
  return outcome(c.env, status, text(c.env, std::to_string(value) + (lossless ? "" : " cut")));
}
napi_value new_bigint(const Call& c) {
  napi_value value = nullptr;
  uint64_t bits = 0;
  bool lossless = false;
  napi_get_value_bigint_uint64(c.env, c.values[0], &bits, &lossless);
  return outcome(c.env, napi_create_bigint_uint64(c.env, bits, &value), value);
}
/** A buffer of 0 to 7 bytes: what is written, how much, and that nothing is behind it. */
napi_value string_into(const Call& c) {
  char buffer[8];
  memset(buffer, '#', sizeof buffer);
  size_t size = 0;
  const auto room = static_cast<size_t>(c.number_at(1));
  const napi_status status = napi_get_value_string_utf8(c.env, c.values[0], buffer, room, &size);
  std::string words = std::to_string(size) + ":";
  for (const char byte : buffer) words += byte == 0 ? '0' : byte > 0 ? byte : '?';
  return outcome(c.env, status, text(c.env, words));
}
napi_value string_length(const Call& c) {
  size_t size = 0;
  const napi_status status = napi_get_value_string_utf8(c.env, c.values[0], nullptr, 0, &size);
  return outcome(c.env, status, number(c.env, static_cast<double>(size)));
}
napi_value property(const Call& c) {
  napi_value value = nullptr;
  return outcome(c.env, napi_get_property(c.env, c.values[0], c.values[1], &value), value);
}
napi_value named_property(const Call& c) {
  napi_value value = nullptr;
  const std::string name = c.text_at(1);
  return outcome(c.env, napi_get_named_property(c.env, c.values[0], name.c_str(), &value), value);
}
napi_value set_named_property(const Call& c) {
  const std::string name = c.text_at(1);
  return outcome(c.env, napi_set_named_property(c.env, c.values[0], name.c_str(), c.values[2]),
                 c.values[0]);
}
napi_value has_property(const Call& c) {
  bool answer = false;
  const napi_status status = napi_has_property(c.env, c.values[0], c.values[1], &answer);
  return outcome(c.env, status, boolean(c.env, answer));
}
napi_value element(const Call& c) {
  napi_value value = nullptr;
  const auto at = static_cast<uint32_t>(c.number_at(1));
  return outcome(c.env, napi_get_element(c.env, c.values[0], at, &value), value);
}
napi_value set_element(const Call& c) {
  const auto at = static_cast<uint32_t>(c.number_at(1));
  return outcome(c.env, napi_set_element(c.env, c.values[0], at, c.values[2]), c.values[0]);
}
napi_value array_length(const Call& c) {
  uint32_t length = 0;
  const napi_status status = napi_get_array_length(c.env, c.values[0], &length);
  return outcome(c.env, status, number(c.env, length));
}
napi_value new_array(const Call& c) {
  napi_value value = nullptr;
  const auto length = static_cast<size_t>(c.number_at(0));
  return outcome(c.env, napi_create_array_with_length(c.env, length, &value), value);
}
napi_value buffer_info(const Call& c) {
  void* data = nullptr;
  size_t length = 0;
  const napi_status status = napi_get_arraybuffer_info(c.env, c.values[0], &data, &length);
  std::string words = std::to_string(length) + ":";
  if (status == napi_ok)
    for (size_t at = 0; at < length; at++)
      words += std::to_string(static_cast<const uint8_t*>(data)[at]) + ",";
  return outcome(c.env, status, text(c.env, words));
}
napi_value typed_info(const Call& c) {
  napi_typedarray_type type{};
  size_t length = 0, offset = 0;
  void* data = nullptr;
  napi_value buffer = nullptr;
  const napi_status status =
      napi_get_typedarray_info(c.env, c.values[0], &type, &length, &data, &buffer, &offset);
  std::string words =
      std::to_string(type) + " " + std::to_string(length) + " " + std::to_string(offset);
  if (status == napi_ok && length > 0)
    words += " " + std::to_string(*static_cast<const uint8_t*>(data));
  return outcome(c.env, status, text(c.env, words));
}
napi_value new_typed(const Call& c) {
  napi_value value = nullptr;
  const auto type = static_cast<napi_typedarray_type>(static_cast<int>(c.number_at(0)));
  const auto length = static_cast<size_t>(c.number_at(2)),
             offset = static_cast<size_t>(c.number_at(3));
  return outcome(c.env, napi_create_typedarray(c.env, type, length, c.values[1], offset, &value),
                 value);
}
napi_value call_function(const Call& c) {
  napi_value value = nullptr;
  return outcome(
      c.env, napi_call_function(c.env, c.values[1], c.values[0], 2, c.values + 2, &value), value);
}
napi_value throw_value(const Call& c) {
  return outcome(c.env, napi_throw(c.env, c.values[0]), nullptr);
}
napi_value new_error(const Call& c) {
  napi_value error = nullptr, undefined = nullptr;
  napi_get_undefined(c.env, &undefined);
  napi_valuetype type{};
  napi_typeof(c.env, c.values[1], &type);
  return outcome(c.env,
                 napi_create_type_error(c.env, type == napi_undefined ? nullptr : c.values[1],
                                        c.values[0], &error),
                 error);
}
/** Calls what asks the engine while an exception is pending: these refuse. */
napi_value while_pending(const Call& c) {
  napi_throw(c.env, c.values[0]);
  napi_value value = nullptr;
  std::string words;
  const auto note = [&](napi_status status) { words += std::to_string(status) + " "; };
  note(napi_get_property(c.env, c.self, c.values[0], &value));
  note(napi_create_function(
      c.env, "f", 1, [](napi_env, napi_callback_info) -> napi_value { return nullptr; }, nullptr,
      &value));
  note(napi_call_function(c.env, c.self, c.values[1], 0, nullptr, &value));
  note(napi_create_object(c.env, &value));
  note(napi_throw(c.env, c.values[0]));
  napi_get_and_clear_last_exception(c.env, &value);
  return text(c.env, words);
}
/** Missing arguments of the C function: each has its status. */
napi_value without_arguments(const Call& c) {
  napi_value value = nullptr;
  bool answer;
  std::string words;
  const auto note = [&](napi_status status) { words += std::to_string(status) + " "; };
  note(napi_typeof(c.env, nullptr, nullptr));
  note(napi_create_object(c.env, nullptr));
  note(napi_get_property(c.env, nullptr, c.values[0], &value));
  note(napi_get_property(c.env, c.self, nullptr, &value));
  note(napi_has_property(c.env, c.self, c.values[0], nullptr));
  note(napi_is_array(c.env, nullptr, &answer));
  note(napi_create_string_utf8(c.env, nullptr, 1, &value));
  note(napi_get_value_bool(c.env, c.values[0], nullptr));
  note(napi_create_reference(c.env, nullptr, 1, nullptr));
  note(napi_delete_reference(c.env, nullptr));
  note(napi_throw(c.env, nullptr));
  note(napi_create_error(c.env, nullptr, nullptr, &value));
  note(napi_call_function(c.env, c.self, nullptr, 0, nullptr, &value));
  note(napi_get_array_length(c.env, c.values[0], nullptr));
  note(napi_open_handle_scope(c.env, nullptr));
  note(napi_is_exception_pending(c.env, nullptr));
  note(napi_typeof(nullptr, c.values[0], nullptr));
  return text(c.env, words);
}
napi_value reference(const Call& c) {
  napi_ref kept = nullptr;
  napi_value value = nullptr;
  napi_status status = napi_create_reference(c.env, c.values[0], 1, &kept);
  if (status != napi_ok) return outcome(c.env, status, nullptr);
  status = napi_get_reference_value(c.env, kept, &value);
  napi_delete_reference(c.env, kept);
  return outcome(c.env, status, value);
}
napi_value scopes(const Call& c) {
  std::string words;
  const auto note = [&](napi_status status) { words += std::to_string(status) + " "; };
  napi_handle_scope scope = nullptr;
  napi_escapable_handle_scope escapable = nullptr;
  napi_value inner = nullptr, escaped = nullptr, again = nullptr;
  for (int at = 0; at < 2000; at++) {
    napi_open_handle_scope(c.env, &scope);
    napi_create_object(c.env, &inner);
    napi_close_handle_scope(c.env, scope);
  }
  note(napi_open_escapable_handle_scope(c.env, &escapable));
  note(napi_create_string_utf8(c.env, "escaped", NAPI_AUTO_LENGTH, &inner));
  note(napi_escape_handle(c.env, escapable, inner, &escaped));
  note(napi_escape_handle(c.env, escapable, inner, &again));
  note(napi_close_escapable_handle_scope(c.env, escapable));
  napi_valuetype type{};
  note(napi_typeof(c.env, escaped, &type));
  return text(c.env, words + std::to_string(type));
}
napi_value arguments(const Call& c) {
  std::string words = std::to_string(c.count);
  for (const napi_value value : c.values) {
    napi_valuetype type{};
    words += " " + std::to_string(napi_typeof(c.env, value, &type)) + ":" + std::to_string(type);
  }
  return text(c.env, words);
}

/** `(object, name, kind, attributes, value)`: kind 0 a value, 1 a method, 2 a getter, 3 a setter, 4 both. */
napi_value define(const Call& c) {
  napi_property_descriptor property{};
  const std::string name = c.text_at(1);
  const auto kind = static_cast<int>(c.number_at(2));
  const auto noop = [](napi_env env, napi_callback_info info) -> napi_value {
    size_t count = 0;
    napi_get_cb_info(env, info, &count, nullptr, nullptr, nullptr);
    return number(env, static_cast<double>(count));
  };
  property.utf8name = name.empty() ? nullptr : name.c_str();
  if (name.empty()) property.name = c.values[1];
  property.attributes = static_cast<napi_property_attributes>(static_cast<int>(c.number_at(3)));
  if (kind == 0) property.value = c.values[0];
  if (kind == 1) property.method = noop;
  if (kind == 2 || kind == 4) property.getter = noop;
  if (kind == 3 || kind == 4) property.setter = noop;
  return outcome(c.env, napi_define_properties(c.env, c.values[0], 1, &property), nullptr);
}

int finalizers_called = 0;
/** Counts the death of an object; a second argument is called with the count. */
napi_value finalizer(const Call& c) {
  napi_ref callback = nullptr;
  napi_valuetype type{};
  napi_typeof(c.env, c.values[1], &type);
  if (type == napi_function) napi_create_reference(c.env, c.values[1], 1, &callback);
  const auto finalize = [](napi_env env, void* data, void* hint) {
    finalizers_called += *static_cast<int*>(data);
    delete static_cast<int*>(data);
    if (hint == nullptr) return;
    napi_value function = nullptr, self = nullptr, argument = number(env, finalizers_called);
    napi_handle_scope scope = nullptr;
    napi_open_handle_scope(env, &scope);
    napi_get_undefined(env, &self);
    napi_get_reference_value(env, static_cast<napi_ref>(hint), &function);
    napi_call_function(env, self, function, 1, &argument, nullptr);
    napi_delete_reference(env, static_cast<napi_ref>(hint));
    napi_close_handle_scope(env, scope);
  };
  auto* one = new int(1);
  const napi_status status =
      napi_add_finalizer(c.env, c.values[0], one, finalize, callback, nullptr);
  if (status != napi_ok) {
    delete one;
    if (callback != nullptr) napi_delete_reference(c.env, callback);
  }
  return outcome(c.env, status, nullptr);
}
/** Node.js has a function of its own for it. */
napi_value collect(const Call& c) {
#ifdef ON_ENGINE
  JS_RunGC(JS_GetRuntime(c.env->context));
#endif
  return number(c.env, 0);
}
napi_value finalized(const Call& c) { return number(c.env, finalizers_called); }

struct Entry {
  const char* name;
  Function function;
};
constexpr Entry entries[] = {
    {"typeof", type_of},
    {"double", value_as<double, napi_get_value_double>},
    {"int32", value_as<int32_t, napi_get_value_int32>},
    {"uint32", value_as<uint32_t, napi_get_value_uint32>},
    {"int64", value_as<int64_t, napi_get_value_int64>},
    {"bool", value_as<bool, napi_get_value_bool>},
    {"isArray", question<napi_is_array>},
    {"isTypedArray", question<napi_is_typedarray>},
    {"bigint", bigint},
    {"newBigint", new_bigint},
    {"stringInto", string_into},
    {"stringLength", string_length},
    {"property", property},
    {"namedProperty", named_property},
    {"setNamedProperty", set_named_property},
    {"hasProperty", has_property},
    {"element", element},
    {"setElement", set_element},
    {"arrayLength", array_length},
    {"newArray", new_array},
    {"bufferInfo", buffer_info},
    {"typedInfo", typed_info},
    {"newTyped", new_typed},
    {"call", call_function},
    {"throw", throw_value},
    {"newError", new_error},
    {"whilePending", while_pending},
    {"withoutArguments", without_arguments},
    {"reference", reference},
    {"scopes", scopes},
    {"arguments", arguments},
    {"define", define},
    {"finalizer", finalizer},
    {"finalized", finalized},
    {"collect", collect},
};

napi_value dispatch(napi_env env, napi_callback_info info) {
  void* data = nullptr;
  napi_get_cb_info(env, info, nullptr, nullptr, nullptr, &data);
  return static_cast<const Entry*>(data)->function(Call(env, info));
}

}  // namespace

extern "C" NAPI_MODULE_EXPORT napi_value napi_register_module_v1(napi_env env, napi_value exports) {
  for (const Entry& entry : entries) {
    napi_value function = nullptr;
    napi_create_function(env, entry.name, NAPI_AUTO_LENGTH, dispatch, const_cast<Entry*>(&entry),
                         &function);
    napi_set_named_property(env, exports, entry.name, function);
  }
  return exports;
}
