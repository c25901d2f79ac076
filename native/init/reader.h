// Reads the plan's wire format (src/plan/encode.ts) in place; every length is checked.
#pragma once
#include <stdint.h>
#include <string.h>

#include "init/failure.h"

namespace tsrun {

// NUL-terminated text inside the plan.
struct Text {
  const char* data = "";
  uint32_t size = 0;
  bool empty() const noexcept { return size == 0; }
};

struct Bytes {
  const uint8_t* data = nullptr;
  uint32_t size = 0;
};

// Items of a `texts` field, one after the other, each a length and a padded text.
class TextList {
 public:
  uint32_t count = 0;
  const uint8_t* items = nullptr;

  // The first of `count` items, of which there must be one; the list is without it from then on.
  Text take_first() noexcept {
    Text text;
    memcpy(&text.size, items, 4);
    text.data = reinterpret_cast<const char*>(items + 4);
    items += 4 + ((text.size + 4) & ~3U);
    count--;
    return text;
  }

  // Calls `each(Text)` for every item until it returns a failure.
  template <class Each>
  Failure for_each(Each each) const noexcept {
    for (TextList rest = *this; rest.count > 0;)
      if (Failure failure = each(rest.take_first())) return failure;
    return kOk;
  }
};

struct NumberList {
  uint32_t count = 0;
  const uint8_t* items = nullptr;
  uint32_t operator[](uint32_t i) const noexcept {
    uint32_t value;
    memcpy(&value, items + 4 * static_cast<size_t>(i), 4);
    return value;
  }
};

class Reader {
 public:
  Reader(const uint8_t* data, size_t size) noexcept : at_(data), left_(size) {}

  bool number32(uint32_t& value) noexcept {
    if (left_ < 4) return false;
    memcpy(&value, at_, 4);
    return skip(4);
  }
  bool number64(uint64_t& value) noexcept {
    if (left_ < 8) return false;
    memcpy(&value, at_, 8);
    return skip(8);
  }
  bool flag(bool& value) noexcept {
    uint32_t number;
    if (!number32(number) || number > 1) return false;
    value = number == 1;
    return true;
  }
  bool text(Text& value) noexcept {
    if (!number32(value.size)) return false;
    const size_t padded = (static_cast<size_t>(value.size) + 4) & ~size_t{3};
    if (padded > left_ || at_[value.size] != 0) return false;
    if (memchr(at_, 0, value.size) != nullptr) return false;
    value.data = reinterpret_cast<const char*>(at_);
    return skip(padded);
  }
  bool texts(TextList& value) noexcept {
    uint32_t length;
    if (!number32(value.count) || !number32(length) || length > left_) return false;
    Reader items(at_, length);
    value.items = at_;
    Text ignored;
    for (uint32_t i = 0; i < value.count; i++)
      if (!items.text(ignored)) return false;
    return items.finished() && skip(length);
  }
  bool numbers(NumberList& value) noexcept {
    if (!number32(value.count) || value.count > left_ / 4) return false;
    value.items = at_;
    return skip(4 * static_cast<size_t>(value.count));
  }
  bool bytes(Bytes& value) noexcept {
    if (!number32(value.size)) return false;
    const size_t padded = (static_cast<size_t>(value.size) + 3) & ~size_t{3};
    if (padded > left_) return false;
    value.data = at_;
    return skip(padded);
  }
  bool finished() const noexcept { return left_ == 0; }
  bool skip(size_t size) noexcept {
    if (size > left_) return false;
    at_ += size;
    left_ -= size;
    return true;
  }
  const uint8_t* position() const noexcept { return at_; }

 private:
  const uint8_t* at_;
  size_t left_;
};

}  // namespace tsrun
