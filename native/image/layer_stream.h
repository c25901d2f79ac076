// The tar of a layer: its blob read, decompressed (gzip, zstd or as it is) and hashed by a thread of its own, a few
// blocks ahead of who reads it.
#pragma once
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "image/sha256.h"

namespace tsrun {

class LayerStream {
 public:
  // Reads from the descriptor on, which stays the caller's; more than `limit` bytes of tar are refused.
  LayerStream(int blob, uint64_t limit);
  ~LayerStream();
  LayerStream(const LayerStream&) = delete;
  LayerStream& operator=(const LayerStream&) = delete;

  // The next piece, good until the next call; empty at the end. Throws RefusedImage, SyscallFailure.
  std::span<const uint8_t> next();

  // After the end: SHA-256 of the tar in hexadecimal digits.
  const std::string& diff_id() const { return diff_id_; }

 private:
  struct Block {
    std::vector<uint8_t> data;
    size_t size = 0;
  };
  static constexpr size_t kBlocks = 4;

  void produce() noexcept;
  void copy();
  void inflate();
  void decompress_zstd();
  size_t read_blob();
  Block& free_block();
  void publish(Block& block);

  const int blob_;
  const uint64_t limit_;
  uint64_t total_ = 0;
  std::vector<uint8_t> input_;
  size_t input_size_ = 0;
  Sha256 hash_;
  std::string diff_id_;
  Block blocks_[kBlocks];

  std::mutex mutex_;
  std::condition_variable changed_;
  // Counts of blocks: filled by the thread, taken by the reader (the last taken one is still in use).
  size_t filled_ = 0;
  size_t taken_ = 0;
  bool done_ = false;
  bool stopped_ = false;
  std::exception_ptr error_;
  std::thread thread_;
};

}  // namespace tsrun
