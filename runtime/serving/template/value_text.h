// Values as text: Python's str() and repr(), which is how templates print what is no string.
#pragma once

#include <string>

#include "runtime/base/core/result.h"
#include "runtime/serving/template/budget.h"
#include "runtime/serving/template/value.h"

namespace hearth::serving {

// str(value). A string keeps its origins; all other text counts as data.
Result<StringPtr> ToText(const Value& value, Budget& budget);
// Appends repr(value).
Status AppendRepr(const Value& value, Budget& budget, TracedString& out, int depth = 0);
// The shortest text that reads back as the same number, in Python's form: "0.1", "1e+16", "inf".
std::string FloatText(double number);

}  // namespace hearth::serving
