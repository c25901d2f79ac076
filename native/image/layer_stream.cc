// The thread behind the tar of a layer: reading, decompressing, hashing.
#include "image/layer_stream.h"

#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "addon/failure.h"
#include "image/refused.h"

namespace tsrun {
namespace {

constexpr size_t kInput = 256 << 10;
constexpr size_t kOutput = 512 << 10;
// Base-2 logarithm of the largest zstd window: the decoder keeps that much.
constexpr int kMaxWindow = 26;
// inflateInit2(3): the largest window, with the header of gzip.
constexpr int kGzip = 15 + 16;

// Thrown to end the thread when nobody reads on.
struct Stopped {};

bool begins_with(const std::vector<uint8_t>& data, size_t size,
                 std::initializer_list<uint8_t> magic) {
  return size >= magic.size() && memcmp(data.data(), magic.begin(), magic.size()) == 0;
}

}  // namespace

LayerStream::LayerStream(int blob, uint64_t limit) : blob_(blob), limit_(limit), input_(kInput) {
  for (Block& block : blocks_) block.data.resize(kOutput);
  thread_ = std::thread([this] { produce(); });
}

LayerStream::~LayerStream() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

std::span<const uint8_t> LayerStream::next() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return filled_ > taken_ || done_; });
  if (filled_ == taken_) {
    if (error_) std::rethrow_exception(error_);
    return {};
  }
  const Block& block = blocks_[taken_++ % kBlocks];
  // The one that was given last is free now.
  changed_.notify_all();
  return {block.data.data(), block.size};
}

void LayerStream::produce() noexcept {
  std::exception_ptr error;
  try {
    // A magic number may come in pieces where the blob is a pipe; a file gives all that is asked for.
    input_size_ = read_blob();
    if (begins_with(input_, input_size_, {0x1f, 0x8b})) {
      inflate();
    } else if (begins_with(input_, input_size_, {0x28, 0xb5, 0x2f, 0xfd})) {
      decompress_zstd();
    } else {
      copy();
    }
    diff_id_ = hash_.hex();
  } catch (...) {
    error = std::current_exception();
  }
  const std::lock_guard lock(mutex_);
  error_ = error;
  done_ = true;
  changed_.notify_all();
}

size_t LayerStream::read_blob() {
  ssize_t got;
  do got = read(blob_, input_.data(), input_.size());
  while (got < 0 && errno == EINTR);
  if (got < 0) throw_errno("read", "blob of a layer");
  return static_cast<size_t>(got);
}

// All but one: that one the reader may still hold.
LayerStream::Block& LayerStream::free_block() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return filled_ - taken_ < kBlocks - 1 || stopped_; });
  if (stopped_) throw Stopped{};
  return blocks_[filled_ % kBlocks];
}

void LayerStream::publish(Block& block) {
  if (block.size == 0) return;
  total_ += block.size;
  if (total_ > limit_)
    refuse_image(
        "", "the layer has more than " + std::to_string(limit_) + " bytes when it is unpacked");
  hash_.update(block.data.data(), block.size);
  const std::lock_guard lock(mutex_);
  filled_++;
  changed_.notify_all();
}

void LayerStream::copy() {
  for (; input_size_ > 0; input_size_ = read_blob()) {
    Block& block = free_block();
    memcpy(block.data.data(), input_.data(), input_size_);
    block.size = input_size_;
    publish(block);
  }
}

void LayerStream::inflate() {
  z_stream stream{};
  if (inflateInit2(&stream, kGzip) != Z_OK) throw_failure("inflateInit2", ENOMEM);
  const std::unique_ptr<z_stream, int (*)(z_stream*)> owner(&stream, inflateEnd);
  stream.next_in = input_.data();
  stream.avail_in = static_cast<uInt>(input_size_);
  // More than one member may follow each other (RFC 1952, section 2.2).
  bool in_member = true;
  for (;;) {
    Block& block = free_block();
    stream.next_out = block.data.data();
    stream.avail_out = kOutput;
    bool ended = false;
    while (stream.avail_out > 0 && !ended) {
      if (stream.avail_in == 0) {
        stream.next_in = input_.data();
        stream.avail_in = static_cast<uInt>(read_blob());
        if (stream.avail_in == 0) {
          if (in_member) refuse_image("", "the layer ends in the middle of its gzip data");
          ended = true;
          break;
        }
      }
      if (!in_member && inflateReset(&stream) != Z_OK) refuse_image("", "bad gzip data");
      in_member = true;
      const int result = ::inflate(&stream, Z_NO_FLUSH);
      if (result == Z_STREAM_END) {
        in_member = false;
      } else if (result != Z_OK && result != Z_BUF_ERROR) {
        refuse_image("",
                     std::string("bad gzip data: ") + (stream.msg ? stream.msg : "unexpected end"));
      }
    }
    block.size = kOutput - stream.avail_out;
    publish(block);
    if (ended) return;
  }
}

void LayerStream::decompress_zstd() {
  const std::unique_ptr<ZSTD_DStream, size_t (*)(ZSTD_DStream*)> stream(ZSTD_createDStream(),
                                                                        ZSTD_freeDStream);
  if (!stream) throw_failure("ZSTD_createDStream", ENOMEM);
  (void)ZSTD_DCtx_setParameter(stream.get(), ZSTD_d_windowLogMax, kMaxWindow);
  ZSTD_inBuffer input{input_.data(), input_size_, 0};
  size_t hint = 1;
  for (bool ended = false; !ended;) {
    Block& block = free_block();
    ZSTD_outBuffer output{block.data.data(), kOutput, 0};
    while (output.pos < output.size && !ended) {
      if (input.pos == input.size) {
        input = {input_.data(), read_blob(), 0};
        // What the decoder still holds back comes out without input.
        if (input.size == 0 && hint == 0) ended = true;
      }
      const size_t before = output.pos;
      if (!ended) hint = ZSTD_decompressStream(stream.get(), &output, &input);
      if (ZSTD_isError(hint))
        refuse_image("", std::string("bad zstd data: ") + ZSTD_getErrorName(hint));
      if (!ended && input.size == 0 && output.pos == before && hint != 0)
        refuse_image("", "the layer ends in the middle of its zstd data");
    }
    block.size = output.pos;
    publish(block);
  }
}

}  // namespace tsrun
