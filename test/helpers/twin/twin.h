// What the functions of twin.cc share: values for JavaScript, and what came of a call.
#pragma once
#include <node_api.h>

#include <string>

inline napi_value text(napi_env env, const std::string& words) {
  napi_value value = nullptr;
  napi_create_string_utf8(env, words.data(), words.size(), &value);
  return value;
}

inline napi_value number(napi_env env, double of) {
  napi_value value = nullptr;
  napi_create_double(env, of, &value);
  return value;
}

inline napi_value boolean(napi_env env, bool of) {
  napi_value value = nullptr;
  napi_get_boolean(env, of, &value);
  return value;
}

/** `[status, result, words of the last error, pending exception]`, without what there is none of. */
inline napi_value outcome(napi_env env, napi_status status, napi_value result) {
  const napi_extended_error_info* info = nullptr;
  napi_get_last_error_info(env, &info);
  const std::string words = info->error_message == nullptr ? "" : info->error_message;
  napi_value pending = nullptr, list = nullptr;
  bool is_pending = false;
  napi_is_exception_pending(env, &is_pending);
  if (is_pending) napi_get_and_clear_last_exception(env, &pending);
  napi_create_array(env, &list);
  napi_set_element(env, list, 0, number(env, status));
  if (status == napi_ok && result != nullptr) napi_set_element(env, list, 1, result);
  if (!words.empty()) napi_set_element(env, list, 2, text(env, words));
  if (pending != nullptr) napi_set_element(env, list, 3, pending);
  return list;
}

struct Call {
  napi_env env;
  size_t count = 4;
  napi_value values[4] = {};
  napi_value self = nullptr;
  explicit Call(napi_env own, napi_callback_info info) : env(own) {
    napi_get_cb_info(env, info, &count, values, &self, nullptr);
  }
  double number_at(size_t at) const {
    double value = 0;
    napi_get_value_double(env, values[at], &value);
    return value;
  }
  std::string text_at(size_t at) const {
    char buffer[256];
    size_t size = 0;
    napi_get_value_string_utf8(env, values[at], buffer, sizeof buffer, &size);
    return {buffer, size};
  }
};
