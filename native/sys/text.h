// The little text building that init needs, without stdio or heap.
#pragma once
#include <stdint.h>
#include <string.h>

namespace tsrun {

// Appends a decimal number to the NUL-terminated `text`, which must have room for 11 more bytes.
inline void append_number(char* text, uint32_t number) noexcept {
  char digits[11];
  unsigned count = 0;
  do digits[count++] = static_cast<char>('0' + number % 10);
  while ((number /= 10) != 0);
  text += strlen(text);
  while (count > 0) *text++ = digits[--count];
  *text = 0;
}

// Appends as much of `more` as fits into `capacity` bytes.
inline void append_text(char* text, size_t capacity, const char* more) noexcept {
  size_t at = strlen(text);
  while (*more != 0 && at + 1 < capacity) text[at++] = *more++;
  text[at] = 0;
}

}  // namespace tsrun
