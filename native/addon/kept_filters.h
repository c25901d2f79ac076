// Compiled seccomp filters, kept in a directory that is only believed where nobody else can write.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace tsrun {

// The filter that was kept with just this key; empty where there is none.
std::vector<uint8_t> find_filter(const std::string& directory, const std::string& key);

// Keeps one, in a directory that is made where it is missing.
void keep_filter(const std::string& directory, const std::string& key,
                 const std::vector<uint8_t>& program);

}  // namespace tsrun
