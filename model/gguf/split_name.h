// Split models: names of the form PREFIX-00001-of-00003.gguf, counted from 1.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hearth::model {

struct SplitName {
  std::string prefix;
  uint64_t number = 0;  // from 1
  uint64_t count = 0;
};

std::optional<SplitName> ParseSplitName(std::string_view path);
std::string SplitPath(std::string_view prefix, uint64_t number, uint64_t count);

}  // namespace hearth::model
