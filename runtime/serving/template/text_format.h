// Python's two ways to put values into a text: "%s and %d" % (a, b) and "{} and {name}".format(a,
// name=b).
#pragma once

#include "runtime/base/core/result.h"
#include "runtime/serving/template/value.h"

namespace hearth::serving {

class Runtime;

// `values` is one value, a tuple of as many as the text wants, or a dict for %(name)s.
Result<Value> FormatPercent(Runtime& runtime, const TracedString& text, const Value& values);
Result<Value> FormatBraces(Runtime& runtime, const TracedString& text, const Arguments& arguments);

}  // namespace hearth::serving
