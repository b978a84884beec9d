// The filters that templates may use: {{ value | name(arguments) }}.
#pragma once

#include <string_view>

#include "runtime/base/core/result.h"
#include "runtime/serving/template/value.h"

namespace hearth::serving {

class Runtime;

using FilterFunction = Result<Value> (*)(Runtime& runtime, const Value& input, Arguments arguments);

// Null for a filter that there is not.
FilterFunction FindFilter(std::string_view name);

}  // namespace hearth::serving
