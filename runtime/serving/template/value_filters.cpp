// Filters that turn one value into another.
#include <charconv>
#include <cmath>
#include <cstdio>
#include <utility>

#include "runtime/base/unicode.h"
#include "runtime/serving/template/arguments.h"
#include "runtime/serving/template/filter_groups.h"
#include "runtime/serving/template/operators.h"
#include "runtime/serving/template/runtime.h"
#include "runtime/serving/template/value_json.h"

namespace hearth::serving {
namespace {

constexpr int64_t kMaxIndent = 64;

Result<Value> ToJson(Runtime& runtime, const Value& input, Arguments arguments) {
  HEARTH_TRY(const auto bound,
             BoundArguments::Bind("tojson", std::move(arguments),
                                  {"ensure_ascii", "indent", "separators", "sort_keys"}));
  JsonStyle style;
  style.ensure_ascii = bound.IsTrueOr(0, false);
  style.sort_keys = bound.IsTrueOr(3, false);
  HEARTH_TRY(const int64_t indent, bound.IntegerOr(1, -1));
  if (indent > kMaxIndent) return TemplateError("tojson: an indent of more than ", kMaxIndent);
  style.indent = indent < 0 ? -1 : static_cast<int>(indent);
  if (style.indent >= 0) style.item_separator = ",";
  if (const Value* const separators = bound.Find(2);
      separators != nullptr && !separators->IsNone()) {
    const List* const pair = separators->AsList();
    if (pair == nullptr || pair->items.size() != 2 || !pair->items[0].IsString() ||
        !pair->items[1].IsString()) {
      return TemplateError("tojson: separators must be two strings");
    }
    style.item_separator = pair->items[0].AsString()->view();
    style.key_separator = pair->items[1].AsString()->view();
  }
  TracedString json;
  HEARTH_CHECK_OK(AppendJson(input, style, runtime.budget(), json));
  HEARTH_CHECK_OK(runtime.budget().SpendString(json.size()));
  return Value(std::move(json));
}

Result<Value> Default(Runtime&, const Value& input, Arguments arguments) {
  HEARTH_TRY(const auto bound,
             BoundArguments::Bind("default", std::move(arguments), {"default_value", "boolean"}));
  const bool absent = input.IsUndefined() || (bound.IsTrueOr(1, false) && !IsTrue(input));
  if (!absent) return input;
  return bound.Find(0) == nullptr ? Value(TracedString()) : bound[0];
}

// A text that is a number, spaces around it allowed.
template <typename T>
std::optional<T> Parse(std::string_view text) {
  text = Strip(text);
  if (text.starts_with('+')) text.remove_prefix(1);
  T number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = parsed.ec == std::errc() && parsed.ptr == text.data() + text.size();
  return whole ? std::optional<T>(number) : std::nullopt;
}

std::optional<int64_t> Truncated(double number) {
  if (!(std::abs(number) < 9.2e18)) return std::nullopt;
  return static_cast<int64_t>(number);
}

Result<Value> ToInteger(Runtime&, const Value& input, Arguments arguments) {
  HEARTH_TRY(const auto bound,
             BoundArguments::Bind("int", std::move(arguments), {"default", "base"}));
  HEARTH_TRY(const int64_t base, bound.IntegerOr(1, 10));
  if (base != 10) return TemplateError("int: only the base 10 is possible");
  std::optional<int64_t> number = input.AsInteger();
  if (const double* const real = input.AsFloat()) number = Truncated(*real);
  if (const TracedString* const text = input.AsString()) {
    number = Parse<int64_t>(text->view());
    if (const auto real = Parse<double>(text->view()); !number && real) number = Truncated(*real);
  }
  if (number) return Value(*number);
  return bound.Find(0) == nullptr ? Value(int64_t{0}) : bound[0];
}

Result<Value> ToFloat(Runtime&, const Value& input, Arguments arguments) {
  HEARTH_TRY(const auto bound, BoundArguments::Bind("float", std::move(arguments), {"default"}));
  std::optional<double> number = input.AsNumber();
  if (const TracedString* const text = input.AsString()) number = Parse<double>(text->view());
  if (number) return Value(*number);
  return bound.Find(0) == nullptr ? Value(0.0) : bound[0];
}

Result<Value> Absolute(Runtime&, const Value& input, Arguments arguments) {
  HEARTH_CHECK_OK(BoundArguments::Check("abs", std::move(arguments)));
  if (const double* const real = input.AsFloat()) return Value(std::abs(*real));
  const auto number = input.AsInteger();
  if (!number) return TemplateError("abs: a number is expected, not ", TypeName(input));
  return *number < 0 ? ApplyUnary(UnaryOperator::kMinus, input) : Value(*number);
}

Result<Value> Round(Runtime&, const Value& input, Arguments arguments) {
  HEARTH_TRY(const auto bound,
             BoundArguments::Bind("round", std::move(arguments), {"precision", "method"}));
  const TracedString common("common", Origin::kData);
  HEARTH_TRY(const int64_t precision, bound.IntegerOr(0, 0));
  HEARTH_TRY(const TracedString* method, bound.StringOr(1, &common));
  const auto number = input.AsNumber();
  if (!number) return TemplateError("round: a number is expected, not ", TypeName(input));
  if (precision < 0 || precision > 15) return TemplateError("round: the precision must be 0 to 15");
  if (method->view() == "ceil" || method->view() == "floor") {
    const double scale = std::pow(10.0, static_cast<double>(precision));
    const double scaled = *number * scale;
    return Value((method->view() == "ceil" ? std::ceil(scaled) : std::floor(scaled)) / scale);
  }
  if (method->view() != "common")
    return TemplateError("round: the method must be common, ceil or floor");
  char digits[400];
  std::snprintf(digits, sizeof(digits), "%.*f", static_cast<int>(precision), *number);
  return Value(Parse<double>(digits).value_or(*number));
}

Result<Value> Attribute(Runtime& runtime, const Value& input, Arguments arguments) {
  HEARTH_TRY(const auto bound, BoundArguments::Bind("attr", std::move(arguments), {"name"}, 1));
  HEARTH_TRY(const StringPtr name, ToText(bound[0], runtime.budget()));
  return runtime.GetAttribute(input, name->view());
}

}  // namespace

std::span<const NamedFilter> ValueFilters() {
  static constexpr NamedFilter kFilters[] = {
      {"tojson", ToJson}, {"default", Default}, {"d", Default},   {"int", ToInteger},
      {"float", ToFloat}, {"abs", Absolute},    {"round", Round}, {"attr", Attribute},
  };
  return kFilters;
}

}  // namespace hearth::serving
