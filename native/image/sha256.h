// SHA-256 (FIPS 180-4) of a stream, by nettle.
#pragma once
#include <nettle/sha2.h>

#include <cstdint>
#include <string>

namespace tsrun {

class Sha256 {
 public:
  Sha256() { sha256_init(&state_); }
  void update(const void* data, size_t size) {
    sha256_update(&state_, size, static_cast<const uint8_t*>(data));
  }

  // 64 hexadecimal digits; begins anew.
  std::string hex() {
    uint8_t digest[SHA256_DIGEST_SIZE];
    sha256_digest(&state_, sizeof digest, digest);
    std::string text;
    for (const uint8_t byte : digest) {
      text += "0123456789abcdef"[byte >> 4];
      text += "0123456789abcdef"[byte & 15];
    }
    return text;
  }

 private:
  sha256_ctx state_;
};

}  // namespace tsrun
