// Answers of rtnetlink(7) (launch/netlink.cc): attributes, and the kernel's words about an error.
#include "../../native/launch/netlink.cc"

#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tsrun;
  nlmsghdr header;
  if (size < sizeof header) return 0;
  // Its own copy, so that a step past its end is seen; the length is what the kernel's loop has checked.
  std::vector<uint8_t> bytes(data, data + size);
  memcpy(&header, bytes.data(), sizeof header);
  header.nlmsg_len = static_cast<uint32_t>(size);
  memcpy(bytes.data(), &header, sizeof header);
  const auto& message = *reinterpret_cast<const nlmsghdr*>(bytes.data());
  size_t sum = 0;
  for (const size_t head : {size_t{0}, size_t{8}, size_t{16}})
    for_each_attribute(message, head, [&](uint16_t type, std::span<const uint8_t> value) {
      sum += type;
      for (const uint8_t byte : value) sum += byte;
    });
  sum += error_of(message).words.size();
  return sum == 1 ? -1 : 0;
}
