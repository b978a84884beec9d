// The descriptions of model families that the program carries: the files of grammars/builtin,
// compiled in. Their fields are explained in grammars/builtin/README.md;
// runtime/serving/chat_format reads them.
#pragma once

#include <span>
#include <string_view>

namespace hearth::grammar {

struct BuiltinDescription {
  std::string_view name;  // the file's stem
  std::string_view json;
};

// By name, ascending.
std::span<const BuiltinDescription> BuiltinDescriptions();

}  // namespace hearth::grammar
