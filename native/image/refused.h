// What an image holds and tsrun does not take: a hostile entry of a layer, a wrong digest, more than the limits allow.
#pragma once
#include <string>

namespace tsrun {

struct RefusedImage {
  std::string entry;  // name of the entry in its archive; empty where it is about the whole
  std::string words;
};

[[noreturn]] inline void refuse_image(const std::string& entry, const std::string& words) {
  throw RefusedImage{entry, words};
}

}  // namespace tsrun
