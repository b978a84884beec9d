// The tests that templates may use: {% if value is name(arguments) %}.
#pragma once

#include <string_view>

#include "runtime/base/core/result.h"
#include "runtime/serving/template/value.h"

namespace hearth::serving {

class Runtime;

using TestFunction = Result<bool> (*)(Runtime& runtime, const Value& input, Arguments arguments);

// Null for a test that there is not.
TestFunction FindTest(std::string_view name);

}  // namespace hearth::serving
