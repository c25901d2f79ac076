// Exports the seccomp compiler: plain objects in, struct sock_filter[] out.
#include <napi.h>

#include "addon/exports.h"
#include "launch/seccomp_program.h"

namespace tsrun {
namespace {

uint32_t number_member(const Napi::Object& object, const char* name) {
  return object.Get(name).As<Napi::Number>().Uint32Value();
}

// 64 bits: a bigint where a number would not be exact.
uint64_t wide_member(const Napi::Object& object, const char* name) {
  const Napi::Value value = object.Get(name);
  if (!value.IsBigInt()) return static_cast<uint64_t>(value.As<Napi::Number>().DoubleValue());
  bool lossless = true;
  return value.As<Napi::BigInt>().Uint64Value(&lossless);
}

std::vector<std::string> text_members(const Napi::Object& object, const char* name) {
  const auto list = object.Get(name).As<Napi::Array>();
  std::vector<std::string> texts;
  texts.reserve(list.Length());
  for (uint32_t i = 0; i < list.Length(); i++)
    texts.push_back(list.Get(i).As<Napi::String>().Utf8Value());
  return texts;
}

seccomp::Rule read_rule(const Napi::Object& object) {
  seccomp::Rule rule{number_member(object, "action"), text_members(object, "names"), {}};
  const auto conditions = object.Get("conditions").As<Napi::Array>();
  for (uint32_t i = 0; i < conditions.Length(); i++) {
    const auto condition = conditions.Get(i).As<Napi::Object>();
    rule.conditions.push_back({number_member(condition, "index"), number_member(condition, "op"),
                               wide_member(condition, "value"),
                               wide_member(condition, "valueTwo")});
  }
  return rule;
}

seccomp::Request read_request(const Napi::Object& object) {
  seccomp::Request request{number_member(object, "defaultAction"),
                           object.Get("enosysForNewer").As<Napi::Boolean>().Value(),
                           object.Get("failUnknown").As<Napi::Boolean>().Value(),
                           text_members(object, "architectures"),
                           {},
                           text_members(object, "alsoNamed")};
  const auto rules = object.Get("rules").As<Napi::Array>();
  for (uint32_t i = 0; i < rules.Length(); i++)
    request.rules.push_back(read_rule(rules.Get(i).As<Napi::Object>()));
  return request;
}

}  // namespace

// compileSeccomp(request: SeccompRequest): Uint8Array. Throws an Error with the reason.
Napi::Value CompileSeccomp(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  std::vector<uint8_t> bpf;
  std::string error;
  if (!seccomp::compile(read_request(info[0].As<Napi::Object>()), bpf, error))
    throw Napi::Error::New(env, "cannot compile the seccomp filter: " + error);
  Napi::Uint8Array program = Napi::Uint8Array::New(env, bpf.size());
  std::copy(bpf.begin(), bpf.end(), program.Data());
  return program;
}

// seccompVersion(): string, major.minor.micro of libseccomp.
Napi::Value SeccompVersion(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), seccomp::library_version());
}

}  // namespace tsrun
