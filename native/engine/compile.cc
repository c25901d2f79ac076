// Build tool: compiles ES modules to bytecode of the engine that it is linked with. usage: compile OUTPUT MODULE.js ...
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "engine/modules.h"
#include "engine/quickjs.h"

namespace {

int nothing(JSContext*, JSModuleDef*) { return 0; }

/** Imports are resolved when the executable runs. */
JSModuleDef* placeholder(JSContext* context, const char* name, void*) {
  return JS_NewCModule(context, name, nothing);
}

[[noreturn]] void fail(const std::string& path, const char* words) {
  fprintf(stderr, "%s: %s\n", path.c_str(), words);
  exit(1);
}

std::string compiled(JSRuntime* runtime, const std::string& path, const std::string& name) {
  std::ifstream file(path, std::ios::binary);
  if (!file) fail(path, "cannot be read");
  std::string text{std::istreambuf_iterator<char>(file), {}};
  JSContext* context = JS_NewContext(runtime);
  JSValue module = JS_Eval(context, text.c_str(), text.size(), name.c_str(),
                           JS_EVAL_TYPE_MODULE | JS_EVAL_FLAG_COMPILE_ONLY);
  if (JS_IsException(module)) fail(path, JS_ToCString(context, JS_GetException(context)));
  size_t size = 0;
  const uint8_t* bytes = JS_WriteObject(context, &size, module, JS_WRITE_OBJ_BYTECODE);
  if (bytes == nullptr) fail(path, "cannot be written as bytecode");
  return {reinterpret_cast<const char*>(bytes), size};
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 3) fail("usage", "compile OUTPUT MODULE.js ...");
  JSRuntime* runtime = JS_NewRuntime();
  JS_SetStripInfo(runtime, JS_STRIP_SOURCE);
  JS_SetMaxStackSize(runtime, 4 << 20);
  JS_SetModuleLoaderFunc(runtime, nullptr, placeholder, nullptr);
  std::vector<ModuleEntry> entries;
  std::string body;
  const size_t first = sizeof(uint64_t) + static_cast<size_t>(count - 2) * sizeof(ModuleEntry);
  for (int at = 2; at < count; at++) {
    const std::string path = arguments[at], name = path.substr(path.rfind('/') + 1);
    ModuleEntry entry{};
    if (name.size() >= sizeof entry.name) fail(path, "the name is too long");
    memcpy(entry.name, name.c_str(), name.size());
    const std::string bytes = compiled(runtime, path, name);
    entry.offset = static_cast<uint32_t>(first + body.size());
    entry.length = static_cast<uint32_t>(bytes.size());
    entries.push_back(entry);
    body.append(bytes);
    body.resize((body.size() + 7) / 8 * 8);
  }
  std::ofstream output(arguments[1], std::ios::binary);
  const uint64_t number = entries.size();
  output.write(reinterpret_cast<const char*>(&number), sizeof number);
  output.write(reinterpret_cast<const char*>(entries.data()),
               static_cast<std::streamsize>(entries.size() * sizeof(ModuleEntry)));
  output.write(body.data(), static_cast<std::streamsize>(body.size()));
  output.close();
  if (!output) fail(arguments[1], "cannot be written");
  // The engine's memory goes with the process.
  _Exit(0);
}
