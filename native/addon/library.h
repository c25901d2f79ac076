// The part of the addon that only programs with an event loop have (native/library).
#pragma once
#include <span>

#include "addon_table.h"

namespace tsrun {

// Its functions, for an environment that has just come to be. Null in the static executable, which is linked without it.
[[gnu::weak]] std::span<const AddonFunction> library_functions(Napi::Env env);

}  // namespace tsrun
