// /etc/passwd of an image, searched for a home by a user id (init/program.cc).
#include "../../native/init/program.cc"
#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 4) return 0;
  uint32_t uid;
  memcpy(&uid, data, 4);
  const char* home = "";
  if (!tsrun::step::search_passwd(fuzz::file_of(data + 4, size - 4), uid, home)) return 0;
  fuzz::require(strpbrk(home, ":\n") == nullptr, "a home is one field of one line");
  // The id is there as the third field of the line that the home is of.
  const std::string all(reinterpret_cast<const char*>(data + 4), size - 4);
  fuzz::require(all.find(":" + std::string(home)) != all.npos, "a home is a text of the file");
  return 0;
}
