// The engine's heap: blocks in sizes of a few classes, freed ones kept in a list per class; see heap.h.
#include "engine/heap.h"

#include <sys/mman.h>

#include <bit>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

bool making_snapshot = false;

namespace {

/** Contents are aligned to so many bytes, as malloc's are: what C++ puts there may need it. */
constexpr size_t kStep = 16;
/** Blocks up to so many bytes come in steps of kStep, larger ones in powers of two; in both cases with their header. */
constexpr size_t kSmall = 1024;
/** Asked of the kernel at once when there is no more. */
constexpr size_t kMore = 1 << 20;

struct Block {
  /** Usable bytes: those of the block without this header. */
  size_t size;
  /** Of a free block: the next one of this class. In the place of the contents. */
  Block* next;
};
constexpr size_t kHeader = offsetof(Block, next);

struct State {
  Snapshot snapshot;
  /** What has not been used of the memory at hand. */
  uintptr_t free, end;
  /** Where the snapshot ends: memory of malloc may follow at once. */
  uintptr_t snapshot_end;
  Block* small[kSmall / kStep + 1];
  Block* large[64];
};

State& state() { return *reinterpret_cast<State*>(tsrun_heap); }

Block* block_of(const void* contents) {
  return reinterpret_cast<Block*>(reinterpret_cast<uintptr_t>(contents) - kHeader);
}

/** Size of the whole block that has room for so many bytes. What is in the file has no more than it needs. */
size_t whole_size(size_t size) {
  size += kHeader;
  return size > kSmall && !making_snapshot ? std::bit_ceil(size)
                                           : (size + kStep - 1) / kStep * kStep;
}

/** Freed blocks that have room for a whole size. */
Block*& free_blocks(size_t whole) {
  return whole > kSmall ? state().large[std::bit_width(whole - 1)] : state().small[whole / kStep];
}

/** Where a block of a whole size is kept when it is free. */
Block*& place_of_free(size_t whole) {
  return whole > kSmall ? state().large[std::bit_width(whole) - 1] : state().small[whole / kStep];
}

bool more_memory(size_t wanted) {
  if (making_snapshot) {
    fprintf(stderr, "the snapshot has more than HEAP_SIZE bytes\n");
    exit(1);
  }
  const size_t size = wanted + kStep > kMore ? wanted + 4096 : kMore;
  void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return false;
  state().free = reinterpret_cast<uintptr_t>(memory) + kStep - kHeader;
  state().end = reinterpret_cast<uintptr_t>(memory) + size;
  return true;
}

/** In the snapshot, what a freed block has more than it needs becomes one of its own. */
void cut(Block* block, size_t whole) {
  const size_t rest = block->size + kHeader - whole;
  if (!making_snapshot || rest < 2 * kStep) return;
  block->size = whole - kHeader;
  auto* other = reinterpret_cast<Block*>(reinterpret_cast<uintptr_t>(block) + whole);
  other->size = rest - kHeader;
  Block*& list = place_of_free(rest);
  other->next = list;
  list = other;
}

void* take(size_t size) {
  if (size > SIZE_MAX / 4) return nullptr;
  const size_t whole = whole_size(size);
  Block*& list = free_blocks(whole);
  if (Block* block = list; block != nullptr) {
    list = block->next;
    cut(block, whole);
    return &block->next;
  }
  if (state().end - state().free < whole && !more_memory(whole)) return nullptr;
  auto* block = reinterpret_cast<Block*>(state().free);
  state().free += whole;
  block->size = whole - kHeader;
  return &block->next;
}

void give_back(void* contents) {
  Block* block = block_of(contents);
  // What it held must not get into the executable.
  if (making_snapshot) memset(contents, 0, block->size);
  Block*& list = place_of_free(block->size + kHeader);
  block->next = list;
  list = block;
}

// The engine counts: by it, it knows when to collect garbage.

void* js_allocate(JSMallocState* count, size_t size) {
  void* contents = take(size);
  if (contents == nullptr) return nullptr;
  count->malloc_count++;
  count->malloc_size += block_of(contents)->size;
  return contents;
}

void js_release(JSMallocState* count, void* contents) {
  if (contents == nullptr) return;
  count->malloc_count--;
  count->malloc_size -= block_of(contents)->size;
  if (!js_is_immortal(contents)) give_back(contents);
}

void* js_resize(JSMallocState* count, void* contents, size_t size) {
  if (contents == nullptr) return js_allocate(count, size);
  if (size == 0) {
    js_release(count, contents);
    return nullptr;
  }
  const size_t before = block_of(contents)->size;
  if (size <= before) return contents;
  void* larger = js_allocate(count, size);
  if (larger == nullptr) return nullptr;
  memcpy(larger, contents, before);
  js_release(count, contents);
  return larger;
}

size_t js_usable(const void* contents) {
  return contents == nullptr ? 0 : block_of(contents)->size;
}

}  // namespace

const JSMallocFunctions heap_functions = {js_allocate, js_release, js_resize, js_usable};

Snapshot& snapshot() { return state().snapshot; }

void begin_heap() {
  memset(tsrun_heap, 0, static_cast<size_t>(tsrun_heap_end - tsrun_heap));
  state().free = (reinterpret_cast<uintptr_t>(tsrun_heap) + sizeof(State)) / kStep * kStep +
                 2 * kStep - kHeader;
  state().end = state().snapshot_end = reinterpret_cast<uintptr_t>(tsrun_heap_end);
  making_snapshot = true;
}

size_t seal_heap() {
  making_snapshot = false;
  memset(state().small, 0, sizeof state().small);
  memset(state().large, 0, sizeof state().large);
  state().snapshot_end = state().free;
  const size_t size = state().snapshot_end - reinterpret_cast<uintptr_t>(tsrun_heap);
  // What is not in use is not in the file.
  state().free = state().end = 0;
  return size;
}

void keep_snapshot() { js_immortal_end = state().snapshot_end; }

// C++ objects that belong to JavaScript ones lie in the snapshot with them.

void* operator new(size_t size) {
  void* memory = making_snapshot ? take(size) : malloc(size == 0 ? 1 : size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
void* operator new[](size_t size) { return operator new(size); }
void operator delete(void* memory) noexcept {
  const auto* place = static_cast<uint8_t*>(memory);
  if (making_snapshot && place >= tsrun_heap && place < tsrun_heap_end)
    give_back(memory);
  else if (!js_is_immortal(memory))
    free(memory);
}
void operator delete[](void* memory) noexcept { operator delete(memory); }
void operator delete(void* memory, size_t) noexcept { operator delete(memory); }
void operator delete[](void* memory, size_t) noexcept { operator delete(memory); }

// A static glibc without position-independent code registers all frames for the unwinder, which sorts them at the first
// exception: ten million instructions. Without, it takes the linker's sorted table (--eh-frame-hdr).
extern "C" void __wrap___register_frame_info(const void*, void*) {}
extern "C" void* __wrap___deregister_frame_info(const void*) { return nullptr; }
