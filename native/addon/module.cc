// The addon's export table.
#include <napi.h>

#include "addon/exports.h"

namespace tsrun {
namespace {

using Function = Napi::Value (*)(const Napi::CallbackInfo&);
using Procedure = void (*)(const Napi::CallbackInfo&);

template <Procedure procedure>
Napi::Value as_function(const Napi::CallbackInfo& info) {
  procedure(info);
  return info.Env().Undefined();
}

struct Entry {
  const char* name;
  Function function;
};

constexpr Entry kExports[] = {
    {"readFile", read_file},
    {"writeFile", as_function<write_file>},
    {"replaceFile", as_function<replace_file>},
    {"writeOut", as_function<write_out>},
    {"makeDirectory", as_function<make_directory>},
    {"renameFile", as_function<rename_file>},
    {"removeFile", as_function<remove_file>},
    {"removeDirectory", as_function<remove_directory>},
    {"listDirectory", list_directory},
    {"realPath", real_path},
    {"fileInfo", file_info},
    {"sameFile", same_file},
    {"hasAttribute", has_attribute},
    {"openFile", open_file},
    {"closeFile", as_function<close_file>},
    {"memoryFile", memory_file},
    {"readTail", read_tail},
    {"lockFile", lock_file},
    {"lockInBackground", lock_in_background},
    {"changeOwner", as_function<change_owner>},
    {"processIds", process_ids},
    {"permittedCapabilities", permitted_capabilities},
    {"openProcess", open_process},
    {"signalProcess", signal_process},
    {"reapProcess", reap_process},
    {"takeDescriptor", take_descriptor},
    {"setSubreaper", as_function<set_subreaper>},
    {"errorText", error_text},
    {"writeCgroup", write_cgroup},
    {"cgroupSubtree", cgroup_subtree},
    {"launch", launch},
    {"receive", receive},
    {"sendGo", as_function<send_go>},
    {"spawnProgram", spawn_program},
    {"listenStart", listen_start},
    {"connectSocket", connect_socket},
    {"sendDescriptor", as_function<send_descriptor>},
    {"sendBytes", as_function<send_bytes>},
    {"receiveBytes", receive_bytes},
    {"moveDevices", move_net_devices},
    {"setDeviceRules", as_function<set_device_rules>},
    {"assembleDeviceRules", assemble_device_rules},
    {"waitReadable", wait_readable},
    {"watch", as_function<watch>},
    {"notifyFile", notify_file},
    {"openTimer", open_timer},
    {"gather", gather},
    {"notifyOom", notify_oom},
    {"drain", as_function<drain>},
    {"catchSignals", as_function<catch_signals>},
    {"copyTerminalSize", as_function<copy_terminal_size>},
    {"runForeground", run_foreground},
    {"hashText", hash_text},
    {"readKeyed", read_keyed},
    {"writeKeyed", as_function<write_keyed>},
    {"listenNotify", listen_notify},
    {"forwardNotify", forward_notify},
    {"compileSeccomp", CompileSeccomp},
    {"seccompVersion", SeccompVersion},
};

Napi::Object init(Napi::Env env, Napi::Object exports) {
  for (const Entry& entry : kExports)
    exports.Set(entry.name, Napi::Function::New(env, entry.function, entry.name));
  return exports;
}

}  // namespace
}  // namespace tsrun

static Napi::Object init_module(Napi::Env env, Napi::Object exports) {
  return tsrun::init(env, exports);
}

NODE_API_MODULE(tsrun, init_module)
