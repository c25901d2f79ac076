// Helper programs of the host: starting them; their end is seen by their pidfd.
#include "launch/spawn.h"

#include <string>
#include <vector>

#include "addon/exports.h"
#include "addon/failure_js.h"

namespace tsrun {
namespace {

std::vector<std::string> texts(const Napi::Value& value) {
  const Napi::Array list = value.As<Napi::Array>();
  std::vector<std::string> all;
  for (uint32_t i = 0; i < list.Length(); i++)
    all.push_back(list.Get(i).As<Napi::String>().Utf8Value());
  return all;
}

std::string text(const Napi::Object& options, const char* key) {
  return options.Get(key).As<Napi::String>().Utf8Value();
}

}  // namespace

// The pidfd of the started program.
Napi::Value spawn_program(const Napi::CallbackInfo& info) {
  const Napi::Object options = info[0].As<Napi::Object>();
  SpawnRequest request;
  request.path = text(options, "path");
  request.args = texts(options.Get("args"));
  request.directory = text(options, "cwd");
  std::vector<std::string> environment;
  if (!options.Get("env").IsUndefined()) {
    environment = texts(options.Get("env"));
    request.environment = &environment;
  }
  const Napi::Array descriptors = options.Get("descriptors").As<Napi::Array>();
  for (uint32_t i = 0; i < descriptors.Length(); i++)
    request.descriptors.push_back(descriptors.Get(i).As<Napi::Number>().Int32Value());
  const Child child = spawn(request);
  if (child.error != 0) {
    const std::string call = child.syscall;
    throw_failure(info.Env(), child.syscall, child.error,
                  call == "execve"  ? request.path
                  : call == "chdir" ? request.directory
                                    : "");
  }
  return Napi::Number::New(info.Env(), child.pidfd);
}

}  // namespace tsrun
