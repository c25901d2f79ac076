// What is not UTF-8 in texts from and to the addon; see text.h.
#include "addon/text.h"

#include <cstdint>
#include <string_view>

#include "sys/utf8.h"

// The executable's own functions for UTF-8 keep such bytes (native/engine/text.h): it has not got these two. Those of Node.js and Bun
// put U+FFFD in their place.
extern "C" {
__attribute__((weak)) napi_status napi_get_value_string_utf16(napi_env, napi_value, char16_t*,
                                                              size_t, size_t*);
__attribute__((weak)) napi_status napi_create_string_utf16(napi_env, const char16_t*, size_t,
                                                           napi_value*);
}

namespace tsrun {
namespace {

void check(Napi::Env env, napi_status status) {
  if (status != napi_ok) throw Napi::Error::New(env);
}

void append_utf8(std::string& bytes, char32_t point) {
  const auto tail = [&](int shift) {
    bytes.push_back(static_cast<char>(0x80 | ((point >> shift) & 0x3f)));
  };
  if (point < 0x80) {
    bytes.push_back(static_cast<char>(point));
  } else if (point < 0x800) {
    bytes.push_back(static_cast<char>(0xc0 | (point >> 6)));
    tail(0);
  } else if (point < 0x10000) {
    bytes.push_back(static_cast<char>(0xe0 | (point >> 12)));
    tail(6);
    tail(0);
  } else {
    bytes.push_back(static_cast<char>(0xf0 | (point >> 18)));
    tail(12);
    tail(6);
    tail(0);
  }
}

bool is_surrogate(char16_t unit, char16_t kind) { return (unit & 0xfc00) == kind; }

std::string bytes_of_units(const std::u16string& units) {
  std::string bytes;
  for (size_t at = 0; at < units.size(); at++) {
    const char16_t unit = units[at];
    const char16_t next = at + 1 < units.size() ? units[at + 1] : 0;
    if (is_surrogate(unit, 0xd800) && is_surrogate(next, 0xdc00)) {
      append_utf8(bytes, 0x10000 + ((unit & 0x3ff) << 10) + (next & 0x3ff));
      at++;
    } else if (unit >= 0xdc80 && unit <= 0xdcff) {
      bytes.push_back(static_cast<char>(unit & 0xff));
    } else {
      append_utf8(bytes, (unit & 0xf800) == 0xd800 ? 0xfffd : unit);
    }
  }
  return bytes;
}

/** One code point, of a sequence that is well-formed. */
char32_t point_of(std::string_view sequence) {
  const auto first = static_cast<uint8_t>(sequence[0]);
  if (sequence.size() == 1) return first;
  char32_t point = first & (0x7f >> sequence.size());
  for (const char byte : sequence.substr(1)) point = (point << 6) | (byte & 0x3f);
  return point;
}

std::u16string units_of_bytes(std::string_view bytes) {
  std::u16string units;
  while (!bytes.empty()) {
    const size_t length = sequence_length(bytes);
    if (length == 0) {
      units.push_back(static_cast<char16_t>(0xdc00 | static_cast<uint8_t>(bytes[0])));
    } else if (const char32_t point = point_of(bytes.substr(0, length)); point < 0x10000) {
      units.push_back(static_cast<char16_t>(point));
    } else {
      units.push_back(static_cast<char16_t>(0xd800 | ((point - 0x10000) >> 10)));
      units.push_back(static_cast<char16_t>(0xdc00 | ((point - 0x10000) & 0x3ff)));
    }
    bytes.remove_prefix(length == 0 ? 1 : length);
  }
  return units;
}

}  // namespace

std::string bytes_of_text(const Napi::String& text) {
  std::string bytes = text.Utf8Value();
  if (napi_get_value_string_utf16 == nullptr || bytes.find("\xef\xbf\xbd") == bytes.npos)
    return bytes;
  size_t length = 0;
  check(text.Env(), napi_get_value_string_utf16(text.Env(), text, nullptr, 0, &length));
  // It writes a NUL at the end.
  std::u16string units(length + 1, u'\0');
  check(text.Env(),
        napi_get_value_string_utf16(text.Env(), text, units.data(), length + 1, &length));
  units.resize(length);
  return bytes_of_units(units);
}

Napi::Value text_of_bytes(Napi::Env env, const std::string& bytes) {
  if (napi_create_string_utf16 == nullptr || well_formed_length(bytes) == bytes.size())
    return Napi::String::New(env, bytes);
  const std::u16string units = units_of_bytes(bytes);
  napi_value text = nullptr;
  check(env, napi_create_string_utf16(env, units.data(), units.size(), &text));
  return Napi::Value(env, text);
}

}  // namespace tsrun
