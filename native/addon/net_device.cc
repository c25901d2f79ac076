// Network devices: from JavaScript's arrays to the moves, and what failed back.
#include "launch/net_device.h"

#include <fcntl.h>

#include <vector>

#include "addon/exports.h"
#include "addon/failure_js.h"
#include "sys/fd.h"

namespace tsrun {

// undefined when all are moved, else what failed: { index, operation, errno, words }.
Napi::Value move_net_devices(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::string path = text_argument(info, 0);
  const Fd netns{open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!netns) throw_errno(env, "open", path);
  const Napi::Array entries = info[1].As<Napi::Array>();
  std::vector<NetDeviceMove> moves;
  for (uint32_t i = 0; i < entries.Length(); i++) {
    const Napi::Array entry = entries.Get(i).As<Napi::Array>();
    moves.push_back({entry.Get(0u).As<Napi::String>().Utf8Value(),
                     entry.Get(1u).As<Napi::String>().Utf8Value()});
  }
  const NetDeviceFailure failed = move_net_devices(netns.get(), moves);
  if (failed.error == 0) return env.Undefined();
  Napi::Object result = Napi::Object::New(env);
  result.Set("index", static_cast<double>(failed.device));
  result.Set("operation", failed.operation);
  result.Set("errno", failed.error);
  result.Set("words", failed.words);
  return result;
}

}  // namespace tsrun
