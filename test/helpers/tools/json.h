// JSON to standard output, for the test tools: no heap, no library.
#ifndef TSRUN_TEST_JSON_H
#define TSRUN_TEST_JSON_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static bool json_first = true;

// The comma before everything but the first member.
static inline void json_next(void) {
  if (!json_first) putchar(',');
  json_first = false;
}

static inline void json_bytes(const char* text, size_t size) {
  putchar('"');
  for (size_t i = 0; i < size; i++) {
    const unsigned char c = (unsigned char)text[i];
    if (c == '"' || c == '\\')
      printf("\\%c", c);
    else if (c < 0x20 || c > 0x7e)
      printf("\\u%04x", c);
    else
      putchar(c);
  }
  putchar('"');
}

static inline void json_text(const char* text) { json_bytes(text, strlen(text)); }

static inline void json_key(const char* key) {
  json_next();
  if (key == NULL) return;
  json_text(key);
  putchar(':');
}

static inline void json_open(const char* key, char bracket) {
  json_key(key);
  putchar(bracket);
  json_first = true;
}

static inline void json_close(char bracket) {
  putchar(bracket);
  json_first = false;
}

static inline void json_string(const char* key, const char* text) {
  json_key(key);
  json_text(text);
}

static inline void json_number(const char* key, long long number) {
  json_key(key);
  printf("%lld", number);
}

static inline void json_bool(const char* key, bool value) {
  json_key(key);
  fputs(value ? "true" : "false", stdout);
}

// 64 bits don't fit a JavaScript number.
static inline void json_u64(const char* key, unsigned long long number) {
  json_key(key);
  printf("\"%llu\"", number);
}

#endif
