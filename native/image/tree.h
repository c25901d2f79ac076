// Whole directory trees, walked by descriptors: removed, emptied, copied. They may be of any depth.
#pragma once
#include <string>

namespace tsrun {

// Removes what is called `name` in the directory, and all below it; nothing there is fine. Other mounts are not
// entered (EXDEV). Throws SyscallFailure.
void remove_tree(int directory, const std::string& name);

// Copies all that is in one directory into another, empty one, with owners, modes, times, attributes and hard links;
// files share their blocks where the file system can do that. Throws SyscallFailure.
void copy_tree(int from, int to);

}  // namespace tsrun
