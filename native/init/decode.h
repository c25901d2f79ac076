// Decodes a step as the table of its fields says (src/plan/steps.ts): data, since code for each step was a tenth of
// the program.
#pragma once
#include <stdint.h>

#include "init/reader.h"

namespace tsrun {

enum class FieldKind : uint8_t { number32, number64, flag, text, texts, numbers, bytes };

struct Field {
  FieldKind kind;
  uint8_t like;     // place of the list in the step that it must be as long as; its own place: none
  uint16_t offset;  // in the step's struct
};

// Fills the struct at `step`. False for anything but exactly these fields.
bool decode(Reader& reader, const Field* fields, uint32_t count, unsigned char* step) noexcept;

}  // namespace tsrun
