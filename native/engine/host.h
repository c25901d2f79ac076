// What the executable gives its JavaScript: arguments, environment, working directory, clock, exit.
#pragma once
#include <node_api.h>

#include "engine/quickjs.h"

/** Defines `process`, `performance`, `console`, `TextEncoder` and `TextDecoder`, mends `BigInt.asUintN`. `argv` as main has got it. False: an exception is pending. */
bool define_host(napi_env env, int argc, char** argv);
/** Ends the process. */
[[noreturn]] void end_process(int status);
