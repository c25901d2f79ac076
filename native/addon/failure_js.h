// Failures of system calls as JavaScript errors: plain objects that binding.ts turns into SyscallError.
#pragma once
#include <napi.h>

#include <string>

namespace tsrun {

// Throws an Error with `syscall`, `errno` and `path`; takes errno from the failing call.
[[noreturn]] void throw_errno(Napi::Env env, const char* syscall, const std::string& path = "");

// The same for an errno that has been kept.
[[noreturn]] void throw_failure(Napi::Env env, const char* syscall, int error,
                                const std::string& path = "");

// Argument readers: binding.ts is the only caller, so a wrong type is a bug and throws a TypeError.
std::string text_argument(const Napi::CallbackInfo& info, size_t index);
int int_argument(const Napi::CallbackInfo& info, size_t index);

}  // namespace tsrun
