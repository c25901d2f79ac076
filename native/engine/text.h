// Text at the edges is bytes: what is not UTF-8 becomes lone surrogates, as Python's surrogateescape does.
#pragma once
#include <string>
#include <string_view>

#include "engine/quickjs.h"

/** A string of JavaScript; a byte that belongs to no UTF-8 sequence becomes U+DC00 plus its value. */
JSValue text_from_bytes(JSContext* context, std::string_view bytes);
/** The bytes again: U+DC80 to U+DCFF alone as one byte, any other lone surrogate as U+FFFD. False: an exception is pending. */
bool bytes_from_text(JSContext* context, JSValueConst text, std::string& bytes);
/** The text of an error, with its stack when it has one. */
std::string words_of(JSContext* context, JSValueConst error);
/** The same of the pending exception, which is taken. */
std::string words_of_exception(JSContext* context);
