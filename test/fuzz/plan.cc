// The plan of tsrun-init: framing of the steps and every field of every step (init/reader.h, init/decode.cc). What a
// decoder accepts is read to its last byte.
#include "../../native/init/decode.cc"
#include "fuzz.h"
#include "plan_steps.h"
#include "wires.h"

namespace {

using namespace tsrun;

uint32_t sum;

void touch(Text text) {
  fuzz::require(text.data[text.size] == 0 && strlen(text.data) == text.size,
                "a text ends with its NUL");
  sum += text.size;
}

void touch(const Field& field, const unsigned char* step) {
  const unsigned char* at = step + field.offset;
  switch (field.kind) {
    case FieldKind::text:
      return touch(*reinterpret_cast<const Text*>(at));
    case FieldKind::texts:
      (void)reinterpret_cast<const TextList*>(at)->for_each([](Text text) -> Failure {
        touch(text);
        return kOk;
      });
      return;
    case FieldKind::numbers: {
      const auto& list = *reinterpret_cast<const NumberList*>(at);
      for (uint32_t i = 0; i < list.count; i++) sum += list[i];
      return;
    }
    case FieldKind::bytes: {
      const auto& bytes = *reinterpret_cast<const Bytes*>(at);
      for (uint32_t i = 0; i < bytes.size; i++) sum += bytes.data[i];
      return;
    }
    default:
      return;
  }
}

void decode_step(uint32_t op, Reader& body) {
  alignas(step::AnyStep) unsigned char buffer[sizeof(step::AnyStep)] = {};
  constexpr uint32_t kOps = sizeof step::kFieldEnds / sizeof step::kFieldEnds[0];
  if (op >= kOps) return;
  const uint32_t first = op == 0 ? 0 : step::kFieldEnds[op - 1];
  const uint32_t count = step::kFieldEnds[op] - first;
  if (!decode(body, step::kFields + first, count, buffer)) return;
  for (uint32_t i = 0; i < count; i++) touch(step::kFields[first + i], buffer);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Reader reader(data, size);
  // Plans of the corpus come with their header.
  if (!reader.skip(sizeof(PlanHeader))) return 0;
  for (;;) {
    uint32_t op, length;
    if (!reader.number32(op) || !reader.number32(length)) return 0;
    Reader body(reader.position(), length);
    if (!reader.skip(length)) return 0;
    decode_step(op, body);
  }
}
