// A small rtnetlink client.
#include "launch/netlink.h"

#include <sched.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <thread>

namespace tsrun {
namespace {

// The kernel's dumps come in parts of at most 32 KiB (af_netlink.c).
constexpr size_t kBufferSize = 65536;

int open_socket() noexcept {
  const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (fd < 0) return fd;
  // Only for better words: whoever does not know them still answers.
  const int on = 1;
  (void)setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on);
  (void)setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
  return fd;
}

size_t aligned(size_t size) noexcept { return (size + NLMSG_ALIGNTO - 1) & ~(NLMSG_ALIGNTO - 1); }

NetlinkError error_of(const nlmsghdr& message) {
  nlmsgerr answer;
  if (message.nlmsg_len < NLMSG_LENGTH(sizeof answer)) return {EBADMSG, ""};
  memcpy(&answer, NLMSG_DATA(&message), sizeof answer);
  constexpr int kMaxErrno = 4095;  // of the kernel's err.h
  if (answer.error > 0 || answer.error < -kMaxErrno) return {EBADMSG, ""};
  NetlinkError result{-answer.error, ""};
  if (answer.error == 0 || (message.nlmsg_flags & NLM_F_ACK_TLVS) == 0) return result;
  // With NLM_F_CAPPED the request is not repeated in front of the attributes.
  const bool repeats = (message.nlmsg_flags & NLM_F_CAPPED) == 0;
  if (repeats && answer.msg.nlmsg_len < sizeof(nlmsghdr)) return result;
  const size_t repeated = repeats ? aligned(answer.msg.nlmsg_len) - sizeof(nlmsghdr) : 0;
  for_each_attribute(message, sizeof answer + repeated,
                     [&](uint16_t type, std::span<const uint8_t> value) {
                       if (type != NLMSGERR_ATTR_MSG) return;
                       const char* text = reinterpret_cast<const char*>(value.data());
                       result.words.assign(text, strnlen(text, value.size()));
                     });
  return result;
}

}  // namespace

void NetlinkRequest::append(const void* data, size_t size) {
  const size_t at = bytes_.size();
  bytes_.resize(at + aligned(size));
  if (size > 0) memcpy(bytes_.data() + at, data, size);
}

void NetlinkRequest::add(uint16_t type, std::span<const uint8_t> value) {
  const nlattr head{static_cast<uint16_t>(NLA_HDRLEN + value.size()), type};
  append(&head, sizeof head);
  append(value.data(), value.size());
}

void NetlinkRequest::add_text(uint16_t type, std::string_view text) {
  const std::string terminated(text);
  add(type, {reinterpret_cast<const uint8_t*>(terminated.c_str()), terminated.size() + 1});
}

void NetlinkRequest::add_number(uint16_t type, uint32_t number) {
  add(type, {reinterpret_cast<const uint8_t*>(&number), sizeof number});
}

std::span<const uint8_t> NetlinkRequest::finish(uint32_t sequence) {
  nlmsghdr header;
  memcpy(&header, bytes_.data(), sizeof header);
  header.nlmsg_len = static_cast<uint32_t>(bytes_.size());
  header.nlmsg_seq = sequence;
  memcpy(bytes_.data(), &header, sizeof header);
  return bytes_;
}

// A socket belongs to the namespace in which it was made. A thread of its own goes there for it and ends:
// were the caller to go, it might not come back.
NetlinkError Netlink::open(int netns) {
  int fd = -1, error = 0;
  if (netns < 0) {
    fd = open_socket();
    error = errno;
  } else {
    std::thread([&] {
      if (setns(netns, CLONE_NEWNET) == 0) fd = open_socket();
      error = errno;
    }).join();
  }
  if (fd < 0) return {error, ""};
  socket_.reset(fd);
  return {};
}

NetlinkError Netlink::ask(NetlinkRequest& request, const Each& each) {
  const std::span<const uint8_t> message = request.finish(++sequence_);
  ssize_t sent;
  do sent = send(socket_.get(), message.data(), message.size(), 0);
  while (sent < 0 && errno == EINTR);
  return sent < 0 ? NetlinkError{errno, ""} : receive(each);
}

NetlinkError Netlink::receive(const Each& each) {
  std::vector<uint8_t> buffer(kBufferSize);
  bool interrupted = false;
  for (;;) {
    ssize_t got;
    do got = recv(socket_.get(), buffer.data(), buffer.size(), MSG_TRUNC);
    while (got < 0 && errno == EINTR);
    if (got < 0) return {errno, ""};
    if (static_cast<size_t>(got) > buffer.size()) return {EMSGSIZE, ""};
    auto left = static_cast<uint32_t>(got);
    for (auto at = reinterpret_cast<const nlmsghdr*>(buffer.data()); NLMSG_OK(at, left);
         at = NLMSG_NEXT(at, left)) {
      if (at->nlmsg_seq != sequence_) continue;
      interrupted |= (at->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
      if (at->nlmsg_type == NLMSG_ERROR) return error_of(*at);
      if (at->nlmsg_type == NLMSG_DONE) return {interrupted ? EINTR : 0, ""};
      if (each) each(*at);
    }
  }
}

void for_each_attribute(const nlmsghdr& message, size_t head,
                        const std::function<void(uint16_t, std::span<const uint8_t>)>& each) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(&message);
  size_t at = sizeof(nlmsghdr) + aligned(head);
  while (at + NLA_HDRLEN <= message.nlmsg_len) {
    nlattr attribute;
    memcpy(&attribute, bytes + at, sizeof attribute);
    if (attribute.nla_len < NLA_HDRLEN || at + attribute.nla_len > message.nlmsg_len) return;
    each(static_cast<uint16_t>(attribute.nla_type & NLA_TYPE_MASK),
         {bytes + at + NLA_HDRLEN, static_cast<size_t>(attribute.nla_len - NLA_HDRLEN)});
    at += aligned(attribute.nla_len);
  }
}

}  // namespace tsrun
