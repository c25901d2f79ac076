// Failures of system calls as JavaScript errors.
#include "addon/failure_js.h"

#include <cerrno>
#include <cstring>

namespace tsrun {

void throw_failure(Napi::Env env, const char* syscall, int error, const std::string& path) {
  Napi::Error failure = Napi::Error::New(env, std::string(syscall) + ": " + strerror(error));
  Napi::Object object = failure.Value();
  object.Set("syscall", syscall);
  object.Set("errno", error);
  if (!path.empty()) object.Set("path", path);
  throw failure;
}

void throw_errno(Napi::Env env, const char* syscall, const std::string& path) {
  throw_failure(env, syscall, errno, path);
}

std::string text_argument(const Napi::CallbackInfo& info, size_t index) {
  if (!info[index].IsString()) throw Napi::TypeError::New(info.Env(), "expected a string");
  std::string text = info[index].As<Napi::String>().Utf8Value();
  if (text.find('\0') != std::string::npos) throw_failure(info.Env(), "open", EINVAL, text.c_str());
  return text;
}

int int_argument(const Napi::CallbackInfo& info, size_t index) {
  if (!info[index].IsNumber()) throw Napi::TypeError::New(info.Env(), "expected a number");
  return info[index].As<Napi::Number>().Int32Value();
}

}  // namespace tsrun
