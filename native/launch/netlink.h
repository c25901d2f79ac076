// A small rtnetlink(7) client: one request at a time, what it is answered, and the kernel's own words
// where it refuses.
#pragma once
#include <linux/netlink.h>
#include <stddef.h>
#include <stdint.h>

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sys/fd.h"

namespace tsrun {

// A request, built up attribute by attribute behind its fixed head (struct ifinfomsg, ifaddrmsg).
class NetlinkRequest {
 public:
  template <class Head>
  NetlinkRequest(uint16_t type, uint16_t flags, const Head& head) {
    nlmsghdr header{};
    header.nlmsg_type = type;
    header.nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | flags);
    append(&header, sizeof header);
    append(&head, sizeof head);
  }

  void add(uint16_t type, std::span<const uint8_t> value);
  void add_text(uint16_t type, std::string_view text);
  void add_number(uint16_t type, uint32_t number);

  // The message, with its length and this sequence number filled in.
  std::span<const uint8_t> finish(uint32_t sequence);

 private:
  void append(const void* data, size_t size);  // padded to NLMSG_ALIGNTO
  std::vector<uint8_t> bytes_;
};

struct NetlinkError {
  int error = 0;      // errno, 0: no error
  std::string words;  // what the kernel says beside it (NLMSGERR_ATTR_MSG), often nothing
  explicit operator bool() const noexcept { return error != 0; }
};

class Netlink {
 public:
  using Each = std::function<void(const nlmsghdr&)>;

  // A socket in the network namespace that `netns` leads to; -1: in the caller's own.
  NetlinkError open(int netns);

  // Sends a request and takes its whole answer, message by message. EINTR: a dump that changed while
  // it was read, and has to be asked for again.
  NetlinkError ask(NetlinkRequest& request, const Each& each = nullptr);

 private:
  NetlinkError receive(const Each& each);
  Fd socket_;
  uint32_t sequence_ = 0;
};

// Calls `each(type, value)` for the attributes behind a head of `head` bytes.
void for_each_attribute(const nlmsghdr& message, size_t head,
                        const std::function<void(uint16_t, std::span<const uint8_t>)>& each);

}  // namespace tsrun
