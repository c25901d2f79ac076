// What the addon exports to src/native/binding.ts; each function is described there.
#pragma once
#include <napi.h>

namespace tsrun {

// files.cc
Napi::Value read_file(const Napi::CallbackInfo& info);
void write_file(const Napi::CallbackInfo& info);
void replace_file(const Napi::CallbackInfo& info);
void write_out(const Napi::CallbackInfo& info);
void make_directory(const Napi::CallbackInfo& info);
void rename_file(const Napi::CallbackInfo& info);
void remove_file(const Napi::CallbackInfo& info);
void remove_directory(const Napi::CallbackInfo& info);
Napi::Value list_directory(const Napi::CallbackInfo& info);
Napi::Value real_path(const Napi::CallbackInfo& info);
Napi::Value file_info(const Napi::CallbackInfo& info);
Napi::Value same_file(const Napi::CallbackInfo& info);
Napi::Value has_attribute(const Napi::CallbackInfo& info);
Napi::Value open_file(const Napi::CallbackInfo& info);
void close_file(const Napi::CallbackInfo& info);
Napi::Value memory_file(const Napi::CallbackInfo& info);
Napi::Value read_tail(const Napi::CallbackInfo& info);
Napi::Value lock_file(const Napi::CallbackInfo& info);
Napi::Value lock_in_background(const Napi::CallbackInfo& info);
void change_owner(const Napi::CallbackInfo& info);

// keyed.cc
Napi::Value hash_text(const Napi::CallbackInfo& info);
Napi::Value read_keyed(const Napi::CallbackInfo& info);
void write_keyed(const Napi::CallbackInfo& info);

// process.cc
Napi::Value process_ids(const Napi::CallbackInfo& info);
Napi::Value permitted_capabilities(const Napi::CallbackInfo& info);
Napi::Value open_process(const Napi::CallbackInfo& info);
Napi::Value signal_process(const Napi::CallbackInfo& info);
Napi::Value reap_process(const Napi::CallbackInfo& info);
Napi::Value take_descriptor(const Napi::CallbackInfo& info);
void set_subreaper(const Napi::CallbackInfo& info);
Napi::Value error_text(const Napi::CallbackInfo& info);

// cgroup.cc
Napi::Value write_cgroup(const Napi::CallbackInfo& info);
Napi::Value cgroup_subtree(const Napi::CallbackInfo& info);

// launch.cc
Napi::Value launch(const Napi::CallbackInfo& info);
Napi::Value receive(const Napi::CallbackInfo& info);
void send_go(const Napi::CallbackInfo& info);

// spawn.cc
Napi::Value spawn_program(const Napi::CallbackInfo& info);

// net_device.cc
Napi::Value move_net_devices(const Napi::CallbackInfo& info);

// device_filter.cc
void set_device_rules(const Napi::CallbackInfo& info);
Napi::Value assemble_device_rules(const Napi::CallbackInfo& info);

// sockets.cc
Napi::Value listen_start(const Napi::CallbackInfo& info);
Napi::Value connect_socket(const Napi::CallbackInfo& info);
void send_descriptor(const Napi::CallbackInfo& info);
void send_bytes(const Napi::CallbackInfo& info);
Napi::Value receive_bytes(const Napi::CallbackInfo& info);

// watch.cc
Napi::Value wait_readable(const Napi::CallbackInfo& info);
void watch(const Napi::CallbackInfo& info);
Napi::Value notify_file(const Napi::CallbackInfo& info);
Napi::Value open_timer(const Napi::CallbackInfo& info);
Napi::Value gather(const Napi::CallbackInfo& info);
Napi::Value notify_oom(const Napi::CallbackInfo& info);
void drain(const Napi::CallbackInfo& info);

// foreground.cc
void catch_signals(const Napi::CallbackInfo& info);
void copy_terminal_size(const Napi::CallbackInfo& info);
Napi::Value run_foreground(const Napi::CallbackInfo& info);

// notify.cc
Napi::Value listen_notify(const Napi::CallbackInfo& info);
Napi::Value forward_notify(const Napi::CallbackInfo& info);

// seccomp.cc
Napi::Value CompileSeccomp(const Napi::CallbackInfo& info);
Napi::Value SeccompVersion(const Napi::CallbackInfo& info);

}  // namespace tsrun
