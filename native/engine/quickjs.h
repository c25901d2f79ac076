// The engine's header for C++ and, beside it, what this one lacks against the other branches of QuickJS.
#pragma once
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Wsign-compare"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
extern "C" {
#include <quickjs.h>
/** See immortal.c. */
void js_prepare_for_immortality(JSContext* context);
void js_forget_garbage(JSRuntime* runtime);
}
#pragma GCC diagnostic pop
