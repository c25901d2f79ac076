// The one decoder for the fields of all steps.
#include "init/decode.h"

#include <stddef.h>

namespace tsrun {
namespace {

static_assert(offsetof(TextList, count) == 0 && offsetof(NumberList, count) == 0);

bool read(Reader& reader, FieldKind kind, void* to) noexcept {
  switch (kind) {
    case FieldKind::number32:
      return reader.number32(*static_cast<uint32_t*>(to));
    case FieldKind::number64:
      return reader.number64(*static_cast<uint64_t*>(to));
    case FieldKind::flag:
      return reader.flag(*static_cast<bool*>(to));
    case FieldKind::text:
      return reader.text(*static_cast<Text*>(to));
    case FieldKind::texts:
      return reader.texts(*static_cast<TextList*>(to));
    case FieldKind::numbers:
      return reader.numbers(*static_cast<NumberList*>(to));
    case FieldKind::bytes:
      return reader.bytes(*static_cast<Bytes*>(to));
  }
  return false;
}

}  // namespace

bool decode(Reader& reader, const Field* fields, uint32_t count, unsigned char* step) noexcept {
  for (uint32_t i = 0; i < count; i++)
    if (!read(reader, fields[i].kind, step + fields[i].offset)) return false;
  for (uint32_t i = 0; i < count; i++) {
    if (fields[i].like == i) continue;
    if (memcmp(step + fields[i].offset, step + fields[fields[i].like].offset, sizeof(uint32_t)) !=
        0)
      return false;
  }
  return reader.finished();
}

}  // namespace tsrun
