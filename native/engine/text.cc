// Strings of JavaScript from and to bytes that need not be UTF-8.
#include "engine/text.h"

#include <cstdint>
#include <cstring>

namespace {

/** Length of the well-formed UTF-8 sequence at the beginning of `bytes` (RFC 3629), or 0. */
size_t sequence_length(std::string_view bytes) {
  const auto byte = [&](size_t at) {
    return at < bytes.size() ? static_cast<uint8_t>(bytes[at]) : 0;
  };
  const auto follows = [&](size_t at) { return (byte(at) & 0xc0) == 0x80; };
  const unsigned first = byte(0), second = byte(1);
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4 || !follows(1)) return 0;
  if (first < 0xe0) return 2;
  if (first == 0xe0 && second < 0xa0) return 0;
  if (first == 0xed && second > 0x9f) return 0;
  if (!follows(2)) return 0;
  if (first < 0xf0) return 3;
  if (first == 0xf0 && second < 0x90) return 0;
  if (first == 0xf4 && second > 0x8f) return 0;
  return follows(3) ? 4 : 0;
}

size_t well_formed_length(std::string_view bytes) {
  size_t at = 0;
  while (at < bytes.size()) {
    if (static_cast<uint8_t>(bytes[at]) < 0x80) {
      at++;
      continue;
    }
    const size_t length = sequence_length(bytes.substr(at));
    if (length == 0) break;
    at += length;
  }
  return at;
}

}  // namespace

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
