// JSON into values, and values into JSON as Python's json.dumps writes it.
#pragma once

#include <string>

#include "runtime/base/json.h"
#include "runtime/serving/template/budget.h"
#include "runtime/serving/template/value.h"

namespace hearth::serving {

// All strings count as data.
Result<Value> FromJson(const Json& json, Heap& heap, Budget& budget, int depth = 0);

struct JsonStyle {
  bool ensure_ascii = false;
  bool sort_keys = false;
  int indent = -1;  // none where negative
  std::string item_separator = ", ";
  std::string key_separator = ": ";
};

// Strings keep the origins of their bytes; what JSON puts around them counts as data.
Status AppendJson(const Value& value, const JsonStyle& style, Budget& budget, TracedString& out,
                  int depth = 0);

}  // namespace hearth::serving
