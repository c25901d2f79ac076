// Cgroups: a batch of writes through one directory descriptor, and walks through all that is below one.
#include <string>
#include <vector>

#include "addon/exports.h"
#include "addon/failure_js.h"
#include "cgroup/cgroup_write.h"
#include "cgroup/subtree.h"

namespace tsrun {

// undefined when all was written, else what was rejected: { index, syscall, errno }.
Napi::Value write_cgroup(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::string directory = text_argument(info, 0);
  const Napi::Array entries = info[1].As<Napi::Array>();
  std::vector<CgroupFile> files;
  files.reserve(entries.Length());
  for (uint32_t i = 0; i < entries.Length(); i++) {
    const Napi::Array entry = entries.Get(i).As<Napi::Array>();
    files.push_back({entry.Get(0u).As<Napi::String>().Utf8Value(),
                     entry.Get(1u).As<Napi::String>().Utf8Value()});
  }
  const CgroupWriteResult result = cgroup_write(directory.c_str(), files);
  if (result.error == 0) return env.Undefined();
  if (result.index == files.size()) throw_failure(env, result.syscall, result.error, directory);
  Napi::Object rejected = Napi::Object::New(env);
  rejected.Set("index", static_cast<double>(result.index));
  rejected.Set("syscall", result.syscall);
  rejected.Set("errno", result.error);
  return rejected;
}

// Processes of a cgroup and of those below it, or none when they are to be thawed or removed.
Napi::Value cgroup_subtree(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::string directory = text_argument(info, 0);
  const std::string work = text_argument(info, 1);
  const SubtreeResult result =
      cgroup_subtree(directory.c_str(), work == "remove" ? SubtreeWork::remove
                                        : work == "thaw" ? SubtreeWork::thaw
                                                         : SubtreeWork::list);
  if (result.error != 0) throw_failure(env, result.syscall, result.error, directory);
  Napi::Array pids = Napi::Array::New(env, result.pids.size());
  for (uint32_t i = 0; i < result.pids.size(); i++)
    pids.Set(i, static_cast<double>(result.pids[i]));
  return pids;
}

}  // namespace tsrun
