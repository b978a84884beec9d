// The functions that every template can call: range, dict, namespace, cycler, joiner,
// raise_exception and strftime_now.
#pragma once

#include <optional>
#include <string_view>

#include "runtime/serving/template/value.h"

namespace hearth::serving {

class Runtime;

// nullopt for a name that is no function.
std::optional<Value> FindFunction(Runtime& runtime, std::string_view name);

}  // namespace hearth::serving
