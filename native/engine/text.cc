// Strings of JavaScript from and to bytes that need not be UTF-8.
#include "engine/text.h"

#include <cstdint>

#include "sys/utf8.h"

using tsrun::well_formed_length;

JSValue text_from_bytes(JSContext* context, std::string_view bytes) {
  size_t good = well_formed_length(bytes);
  if (good == bytes.size()) return JS_NewStringLen(context, bytes.data(), bytes.size());
  // The engine reads a surrogate that is written as three bytes.
  std::string escaped;
  for (;;) {
    escaped.append(bytes.substr(0, good));
    if (good == bytes.size()) break;
    const auto byte = static_cast<uint8_t>(bytes[good]);
    escaped.push_back('\xed');
    escaped.push_back(static_cast<char>(0xb0 | (byte >> 6)));
    escaped.push_back(static_cast<char>(0x80 | (byte & 0x3f)));
    bytes.remove_prefix(good + 1);
    good = well_formed_length(bytes);
  }
  return JS_NewStringLen(context, escaped.data(), escaped.size());
}

bool bytes_from_text(JSContext* context, JSValueConst text, std::string& bytes) {
  size_t length;
  const char* raw = JS_ToCStringLen(context, &length, text);
  if (raw == nullptr) return false;
  std::string_view rest(raw, length);
  bytes.clear();
  bytes.reserve(length);
  for (size_t at; (at = rest.find('\xed')) != rest.npos && at + 2 < rest.size();) {
    const auto second = static_cast<uint8_t>(rest[at + 1]),
               third = static_cast<uint8_t>(rest[at + 2]);
    bytes.append(rest.substr(0, at));
    if (second < 0xa0) {
      bytes.append(rest.substr(at, 3));
    } else if (second == 0xb2 || second == 0xb3) {
      bytes.push_back(static_cast<char>(((second & 3) << 6) | (third & 0x3f)));
    } else {
      bytes.append("\xef\xbf\xbd");
    }
    rest.remove_prefix(at + 3);
  }
  bytes.append(rest);
  JS_FreeCString(context, raw);
  return true;
}

std::string words_of(JSContext* context, JSValueConst error) {
  std::string words, stack;
  if (!bytes_from_text(context, error, words)) words = "unknown error";
  const JSValue trace = JS_GetPropertyStr(context, error, "stack");
  if (JS_IsString(trace) && bytes_from_text(context, trace, stack)) words += "\n" + stack;
  JS_FreeValue(context, trace);
  return words;
}

std::string words_of_exception(JSContext* context) {
  const JSValue error = JS_GetException(context);
  std::string words = words_of(context, error);
  JS_FreeValue(context, error);
  return words;
}
