/* Reference counts of the engine. What lives as long as the process has none: its pages are not copied for counting. */
#ifndef TSRUN_ENGINE_IMMORTAL_H
#define TSRUN_ENGINE_IMMORTAL_H
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Objects below this address are immortal. Zero while there are none. */
extern uintptr_t js_immortal_end;

/** What the count of an immortal object is taken for: never the only reference, never the last one. */
enum { JS_IMMORTAL_COUNT = 1 << 30 };

static inline int js_is_immortal(const void* object) { return (uintptr_t)object < js_immortal_end; }
/** `++*count` of an object that begins with its count. */
static inline void js_count_up(int* count) {
  if (!js_is_immortal(count)) ++*count;
}
/** `--*count`. */
static inline int js_count_down(int* count) {
  return js_is_immortal(count) ? JS_IMMORTAL_COUNT : --*count;
}
/** `*count`. */
static inline int js_count(const int* count) {
  return js_is_immortal(count) ? JS_IMMORTAL_COUNT : *count;
}

#ifdef __cplusplus
}
#endif
#endif
