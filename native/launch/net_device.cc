// Moves network devices into another network namespace, by rtnetlink(7).
#include "launch/net_device.h"

#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include <cerrno>
#include <cstring>

#include "launch/netlink.h"

namespace tsrun {
namespace {

struct Attribute {
  uint16_t type;
  std::vector<uint8_t> value;
};

struct Address {
  ifaddrmsg head;
  uint32_t flags;
  std::vector<Attribute> attributes;
};

struct Device {
  int index = 0;
  std::vector<Address> addresses;
};

// Those that its administrator can have set; the rest is the kernel's view of an address.
constexpr uint32_t kSettableFlags =
    IFA_F_NODAD | IFA_F_HOMEADDRESS | IFA_F_MANAGETEMPADDR | IFA_F_NOPREFIXROUTE | IFA_F_MCAUTOJOIN;

// A label has the name of the device in it, and times mean nothing to a permanent address.
bool is_kept(uint16_t attribute) noexcept {
  return attribute == IFA_ADDRESS || attribute == IFA_LOCAL || attribute == IFA_BROADCAST ||
         attribute == IFA_RT_PRIORITY;
}

Address address_of(const nlmsghdr& message) {
  Address address{};
  memcpy(&address.head, NLMSG_DATA(&message), sizeof address.head);
  address.flags = address.head.ifa_flags;
  for_each_attribute(message, sizeof address.head,
                     [&](uint16_t type, std::span<const uint8_t> value) {
                       if (type == IFA_FLAGS && value.size() == sizeof address.flags)
                         memcpy(&address.flags, value.data(), value.size());
                       else if (is_kept(type))
                         address.attributes.push_back({type, {value.begin(), value.end()}});
                     });
  return address;
}

// config-linux.md "Network devices": permanent ones of global scope. Others belong to the place where
// the device has been, or are made by the kernel itself.
bool is_moved(const Address& address) noexcept {
  return (address.flags & IFA_F_PERMANENT) != 0 && address.head.ifa_scope == RT_SCOPE_UNIVERSE;
}

NetlinkError find(Netlink& netlink, const std::string& name, int& index) {
  NetlinkRequest request(RTM_GETLINK, NLM_F_ACK, ifinfomsg{});
  request.add_text(IFLA_IFNAME, name);
  return netlink.ask(request, [&](const nlmsghdr& message) {
    ifinfomsg link;
    memcpy(&link, NLMSG_DATA(&message), sizeof link);
    index = link.ifi_index;
  });
}

NetlinkError read_addresses(Netlink& netlink, Device& device) {
  NetlinkError result;
  do {
    device.addresses.clear();
    NetlinkRequest request(RTM_GETADDR, NLM_F_DUMP, ifaddrmsg{});
    result = netlink.ask(request, [&](const nlmsghdr& message) {
      if (message.nlmsg_type != RTM_NEWADDR) return;
      Address address = address_of(message);
      if (static_cast<int>(address.head.ifa_index) == device.index && is_moved(address))
        device.addresses.push_back(std::move(address));
    });
  } while (result.error == EINTR);
  return result;
}

// With the name in the same request a device whose old name is taken over there can be moved as well:
// two devices may swap their names.
NetlinkError move(Netlink& netlink, int index, int netns, const std::string& target) {
  ifinfomsg link{};
  link.ifi_index = index;
  NetlinkRequest request(RTM_SETLINK, NLM_F_ACK, link);
  request.add_number(IFLA_NET_NS_FD, static_cast<uint32_t>(netns));
  request.add_text(IFLA_IFNAME, target);
  return netlink.ask(request);
}

NetlinkError add_address(Netlink& netlink, int index, const Address& address) {
  ifaddrmsg head = address.head;
  head.ifa_index = static_cast<uint32_t>(index);
  head.ifa_flags = 0;
  NetlinkRequest request(RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, head);
  for (const Attribute& attribute : address.attributes)
    request.add(attribute.type, attribute.value);
  request.add_number(IFA_FLAGS, address.flags & kSettableFlags);
  return netlink.ask(request);
}

NetlinkError set_up(Netlink& netlink, int index) {
  ifinfomsg link{};
  link.ifi_index = index;
  link.ifi_flags = IFF_UP;
  link.ifi_change = IFF_UP;
  NetlinkRequest request(RTM_SETLINK, NLM_F_ACK, link);
  return netlink.ask(request);
}

NetDeviceFailure failure(size_t device, const char* operation, const NetlinkError& error) {
  return {device, error.error, operation, error.words};
}

// Everything that can be known before the first device is moved.
NetDeviceFailure look(Netlink& here, Netlink& there, std::span<const NetDeviceMove> moves,
                      std::vector<Device>& devices) {
  for (size_t i = 0; i < moves.size(); i++) {
    Device& device = devices[i];
    if (const NetlinkError error = find(here, moves[i].name, device.index))
      return failure(i, "RTM_GETLINK", error);
    int taken = 0;
    const NetlinkError error = find(there, moves[i].target, taken);
    if (!error) return {i, EEXIST, "RTM_GETLINK", "the container has a device of this name"};
    if (error.error != ENODEV) return failure(i, "RTM_GETLINK", error);
    if (const NetlinkError failed = read_addresses(here, device))
      return failure(i, "RTM_GETADDR", failed);
  }
  return {};
}

NetDeviceFailure set_up_all(Netlink& there, std::span<const NetDeviceMove> moves,
                            const std::vector<Device>& devices) {
  for (size_t i = 0; i < moves.size(); i++) {
    int index = 0;  // a new one, where the old one was taken
    if (const NetlinkError error = find(there, moves[i].target, index))
      return failure(i, "RTM_GETLINK", error);
    for (const Address& address : devices[i].addresses)
      if (const NetlinkError error = add_address(there, index, address))
        return failure(i, "RTM_NEWADDR", error);
    if (const NetlinkError error = set_up(there, index)) return failure(i, "RTM_SETLINK", error);
  }
  return {};
}

}  // namespace

NetDeviceFailure move_net_devices(int netns, std::span<const NetDeviceMove> moves) {
  Netlink here, there;
  if (const NetlinkError error = here.open(-1)) return failure(0, "socket(AF_NETLINK)", error);
  if (const NetlinkError error = there.open(netns)) return failure(0, "setns", error);
  std::vector<Device> devices(moves.size());
  if (NetDeviceFailure failed = look(here, there, moves, devices); failed.error != 0) return failed;
  for (size_t i = 0; i < moves.size(); i++)
    if (const NetlinkError error = move(here, devices[i].index, netns, moves[i].target))
      return failure(i, "RTM_SETLINK", error);
  return set_up_all(there, moves, devices);
}

}  // namespace tsrun
