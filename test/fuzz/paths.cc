// Making paths in an image whose links are hostile (init/paths.cc): what ensure_in_root says it has made or found is
// what the kernel finds by the same path, and nothing comes to be outside of the root.
#include "../../native/init/paths.cc"

#include <dirent.h>

#include "../../native/image/remove_tree.cc"
#include "fuzz.h"

namespace {

using namespace tsrun;

std::string base;

// A file may be asked for by the name of a directory: no plan does that, and the file is made all the same.
bool names_directory(const std::string& path) {
  const std::string last = path.substr(path.rfind('/') + 1);
  return last.empty() || last == "." || last == "..";
}

// False when a link names a directory, as `a/` does.
bool make_tree(fuzz::Input& input, int root) {
  bool plain = true;
  for (int links = input.byte() % 6; links > 0; links--) {
    const std::string target = input.text(), name = input.text();
    if (name.find('/') != name.npos || target.empty()) continue;
    plain = plain && !names_directory(target);
    (void)!symlinkat(target.c_str(), root, name.c_str());
  }
  (void)mkdirat(root, "d", 0755);
  (void)!symlinkat("../..", root, "d/up");
  return plain;
}

void same_file(int one, int other) {
  struct stat a, b;
  fuzz::require(fstat(one, &a) == 0 && fstat(other, &b) == 0, "fstat");
  fuzz::require(a.st_ino == b.st_ino && a.st_dev == b.st_dev, "the path leads to what was made");
}

int entries_of(int directory) {
  const int copy = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* entries = fdopendir(copy);
  fuzz::require(entries != nullptr, "fdopendir");
  int count = 0;
  while (readdir(entries) != nullptr) count++;
  closedir(entries);
  return count;
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  base = fuzz::own_directory();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input input(data, size);
  const Fd above{open(base.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
  fuzz::require(above && mkdirat(above.get(), "root", 0755) == 0, base.c_str());
  {
    Context context;
    context.root.reset(openat(above.get(), "root", O_PATH | O_DIRECTORY | O_CLOEXEC));
    const bool plain = make_tree(input, context.root.get());
    const Leaf leaf = input.byte() % 2 == 0 ? Leaf::directory : Leaf::file;
    const std::string path = input.text();
    Fd made;
    bool created = false;
    const bool is_plain = leaf == Leaf::directory || (plain && !names_directory(path));
    if (!ensure_in_root(context, path.c_str(), leaf, made, &created) && is_plain) {
      const Fd found = open_in_root(context, path.c_str());
      fuzz::require(static_cast<bool>(found), "the path leads somewhere");
      same_file(made.get(), found.get());
    }
    Fd other;
    (void)ensure_link_in_root(context, input.text().c_str(), leaf, other);
  }
  fuzz::require(entries_of(above.get()) == 3, "nothing comes to be outside of the root");
  remove_tree(above.get(), "root");
  return 0;
}
