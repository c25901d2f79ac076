// Text at the edge is bytes, on every engine: what is not UTF-8 is a lone surrogate in JavaScript (U+DC80 to U+DCFF), as Python's
// surrogateescape has it.
#pragma once
#include <napi.h>

#include <string>

namespace tsrun {

/** The bytes that a text stands for. */
std::string bytes_of_text(const Napi::String& text);
/** The text for bytes that need not be UTF-8. */
Napi::Value text_of_bytes(Napi::Env env, const std::string& bytes);

}  // namespace tsrun
