// ParseJsonText: text to Json, in one pass that costs what its length costs.
//
// Differs from ordered_json::parse in two ways. Arrays and objects are built whole: no key is
// looked for among those before it, and nothing is copied when an object grows (a copy recurses as
// deep as the text is nested). And no digit is lost: a number that neither a 64-bit integer nor a
// double holds exactly becomes a Json of the type `binary`, which no text can spell otherwise, with
// its decimal digits inside; IsNumber and NumberOf know of it.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

#include "grammars/schema/decimal.h"
#include "runtime/base/core/result.h"

namespace hearth::grammar {

// Errors: not JSON, deeper than `max_depth`, a number beyond a double.
Result<nlohmann::ordered_json> ParseJsonText(std::string_view text, size_t max_depth);

inline bool IsNumber(const nlohmann::ordered_json& value) {
  return value.is_number() || value.is_binary();
}
// Nothing for what is no number, and for one of over 2,000 digits.
std::optional<Decimal> NumberOf(const nlohmann::ordered_json& value);

}  // namespace hearth::grammar
