// The engine's heap. It begins with a part that is made when the executable is built: there, all modules are evaluated
// already. Executable and heap lie at fixed addresses, so that what points from one to the other stays right.
#pragma once
#include <cstddef>
#include <cstdint>

#include "engine/env.h"

/** What the part made by the build begins with: where all else is found. All zero: it has not been made yet. */
struct Snapshot {
  JSRuntime* runtime;
  JSContext* context;
  napi_env env;
  JSClassID callback_class, finalizer_class;
  /** The object `process`, which gets arguments and environment when a command starts. */
  JSValue process;
  /** The function that begins a command. */
  JSValue start;
};

/** True while the snapshot is made: nothing may look at the host. */
extern bool making_snapshot;

/** Memory functions for JS_NewRuntime2. */
extern const JSMallocFunctions heap_functions;

Snapshot& snapshot();
/** Begins an empty heap in the part that is to become the snapshot. Until seal_heap, C++ gets its memory there too. */
void begin_heap();
/** Ends that part; what comes later goes to pages of its own, so that few of the snapshot's are copied. Its size in bytes. */
size_t seal_heap();
/** When a command starts: nothing of the snapshot is counted or freed, as that would copy its pages. */
void keep_snapshot();

/** The room for the snapshot while it is made; a finished executable has only what is in use. */
extern "C" uint8_t tsrun_heap[], tsrun_heap_end[];
