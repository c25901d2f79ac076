// Takes part in what module.cc registers, where it is linked.
#include "addon/library.h"
#include "library/watcher.h"
#include "library_table.h"

namespace tsrun {

std::span<const AddonFunction> library_functions(Napi::Env env) {
  Watcher::make(env);
  return kLibraryFunctions;
}

}  // namespace tsrun
