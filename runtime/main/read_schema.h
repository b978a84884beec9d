// ReadSchema: the JSON Schema of a file, checked before anything that costs time.
#pragma once

#include <string>

#include "runtime/base/core/result.h"
#include "runtime/base/json.h"

namespace hearth::main {

// An error where the file cannot be read, is not JSON, or no grammar can be made of it.
Result<Json> ReadSchema(const std::string& path);

}  // namespace hearth::main
