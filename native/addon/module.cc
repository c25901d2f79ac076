// Registers the addon's functions, which src/native/addon-table.ts lists.
#include <algorithm>
#include <cstring>
#include <iterator>

#include "addon/library.h"

namespace tsrun {
namespace {

// A failure as the plain error that src/native/addon.ts knows: `syscall`, `errno`, `path`.
Napi::Error error_of(Napi::Env env, const SyscallFailure& failure) {
  Napi::Error error = Napi::Error::New(env, failure.syscall + ": " + strerror(failure.error));
  Napi::Object object = error.Value();
  object.Set("syscall", failure.syscall);
  object.Set("errno", failure.error);
  if (!failure.path.empty()) object.Set("path", failure.path);
  return error;
}

Napi::Value call(const Napi::CallbackInfo& info) {
  try {
    return static_cast<const AddonFunction*>(info.Data())->call(info);
  } catch (const SyscallFailure& failure) {
    throw error_of(info.Env(), failure);
  } catch (const RefusedProfile& refused) {
    throw Napi::Error::New(info.Env(), refused.words);
  }
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
  exports.Set("wireHash", kWireHash);
  const auto add = [&](const AddonFunction& entry) {
    exports.Set(entry.name,
                Napi::Function::New(env, call, entry.name, const_cast<AddonFunction*>(&entry)));
  };
  std::for_each(std::begin(kAddonFunctions), std::end(kAddonFunctions), add);
  if (library_functions != nullptr) std::ranges::for_each(library_functions(env), add);
  return exports;
}

}  // namespace
}  // namespace tsrun

static Napi::Object init_module(Napi::Env env, Napi::Object exports) {
  return tsrun::init(env, exports);
}

NODE_API_MODULE(tsrun, init_module)
