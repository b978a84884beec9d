// Shard: the parsed head of one GGUF file. A whole model is one shard, or several in order.
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/gguf.h"
#include "runtime/base/core/result.h"

namespace hearth::model {

struct Shard {
  uint32_t version = 0;
  std::map<std::string, GgufValue, std::less<>> metadata;
  // Type and value of each key, in the bytes that were parsed.
  std::map<std::string, std::span<const std::byte>, std::less<>> raw;
  std::vector<TensorInfo> tensors;  // names are unique; data lies in the bytes that were parsed
};

// Every field is checked; `name` is the file's name for error messages. `bytes` start at an address
// that is a multiple of 8.
Result<Shard> ParseShard(std::span<const std::byte> bytes, std::string_view name);

}  // namespace hearth::model
