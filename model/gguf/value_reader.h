// ReadValue: one GGUF metadata value, checked, out of a cursor.
#pragma once

#include <string_view>

#include "model/gguf.h"
#include "model/gguf/byte_cursor.h"

namespace hearth::model {

// Reads the value's type and the value. `key` is for error messages. What it allocates is bounded
// by a small multiple of the bytes that it has seen to be there.
Result<GgufValue> ReadValue(ByteCursor& cursor, std::string_view key);

}  // namespace hearth::model
