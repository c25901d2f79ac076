// What the executable gives its JavaScript: arguments, environment, working directory, clock, exit.
#pragma once
#include <node_api.h>

#include "engine/quickjs.h"

/** Defines `process`, which is returned, `performance`, `console`, `TextEncoder` and `TextDecoder`, mends `BigInt.asUintN`. */
JSValue define_host(napi_env env);
/** Gives `process` the arguments that main has got, and the environment. False: an exception is pending. */
bool set_arguments(JSContext* context, JSValueConst process, int argc, char** argv);
/** Ends the process. */
[[noreturn]] void end_process(int status);
