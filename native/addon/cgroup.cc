// Cgroups: a batch of writes through one directory descriptor, and walks through all that is below one.
#include "addon/failure.h"
#include "addon_functions.h"
#include "cgroup/cgroup_write.h"
#include "cgroup/subtree.h"

namespace tsrun {

std::optional<RejectedWrite> write_cgroup(const std::string& directory,
                                          const std::vector<TextPair>& files) {
  std::vector<CgroupFile> writes;
  writes.reserve(files.size());
  for (const auto& [name, value] : files) writes.push_back({name, value});
  const CgroupWriteResult result = cgroup_write(directory.c_str(), writes);
  if (result.error == 0) return std::nullopt;
  if (result.index == files.size()) throw_failure(result.syscall, result.error, directory);
  return RejectedWrite{static_cast<uint32_t>(result.index), result.syscall, result.error};
}

// Processes of a cgroup and of those below it, or none when they are to be thawed or removed.
std::vector<int32_t> cgroup_subtree(const std::string& directory, SubtreeWork work) {
  const SubtreeResult result = walk_subtree(directory.c_str(), work);
  if (result.error != 0) throw_failure(result.syscall, result.error, directory);
  return result.pids;
}

}  // namespace tsrun
