// Where bytes are UTF-8 and where they are not.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace tsrun {

/** Length of the well-formed UTF-8 sequence at the beginning of `bytes` (RFC 3629), or 0. */
inline size_t sequence_length(std::string_view bytes) {
  const auto byte = [&](size_t at) {
    return at < bytes.size() ? static_cast<uint8_t>(bytes[at]) : 0;
  };
  const auto follows = [&](size_t at) { return (byte(at) & 0xc0) == 0x80; };
  const unsigned first = byte(0), second = byte(1);
  if (first < 0x80) return bytes.empty() ? 0 : 1;
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

/** How many bytes are UTF-8 before the first that is not. */
inline size_t well_formed_length(std::string_view bytes) {
  size_t at = 0;
  while (at < bytes.size()) {
    // Eight letters of ASCII at once.
    uint64_t word = 0x80;
    if (bytes.size() - at >= sizeof word) memcpy(&word, bytes.data() + at, sizeof word);
    if ((word & 0x8080808080808080) == 0) {
      at += sizeof word;
      continue;
    }
    const size_t length =
        static_cast<uint8_t>(bytes[at]) < 0x80 ? 1 : sequence_length(bytes.substr(at));
    if (length == 0) break;
    at += length;
  }
  return at;
}

}  // namespace tsrun
