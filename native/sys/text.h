// The little text building that init needs, without stdio or heap.
#pragma once
#include <stdint.h>
#include <string.h>

namespace tsrun {

// Appends as much of `more` as fits into `capacity` bytes.
inline void append_text(char* text, size_t capacity, const char* more) noexcept {
  size_t at = strlen(text);
  while (*more != 0 && at + 1 < capacity) text[at++] = *more++;
  text[at] = 0;
}

// Appends a decimal number, as much of it as fits.
inline void append_number(char* text, size_t capacity, uint32_t number) noexcept {
  char digits[11];
  char* first = digits + sizeof digits - 1;
  *first = 0;
  do *--first = static_cast<char>('0' + number % 10);
  while ((number /= 10) != 0);
  append_text(text, capacity, first);
}

}  // namespace tsrun
