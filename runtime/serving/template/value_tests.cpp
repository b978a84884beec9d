#include "runtime/serving/template/value_tests.h"

#include <algorithm>
#include <utility>

#include "runtime/base/unicode.h"
#include "runtime/serving/template/arguments.h"
#include "runtime/serving/template/filters.h"
#include "runtime/serving/template/letters.h"
#include "runtime/serving/template/operators.h"
#include "runtime/serving/template/runtime.h"

namespace hearth::serving {
namespace {

// A test without arguments, by a plain question.
template <bool (*is)(const Value&)>
Result<bool> Ask(Runtime&, const Value& input, Arguments arguments) {
  HEARTH_CHECK_OK(BoundArguments::Check("a test without arguments", std::move(arguments)));
  return is(input);
}

bool IsDefined(const Value& value) { return !value.IsUndefined(); }
bool IsUndefined(const Value& value) { return value.IsUndefined(); }
bool IsNone(const Value& value) { return value.IsNone(); }
bool IsBoolean(const Value& value) { return value.AsBool() != nullptr; }
bool IsTrueConstant(const Value& value) { return value.AsBool() != nullptr && *value.AsBool(); }
bool IsFalseConstant(const Value& value) { return value.AsBool() != nullptr && !*value.AsBool(); }
bool IsInteger(const Value& value) { return value.AsInt() != nullptr; }
bool IsFloat(const Value& value) { return value.AsFloat() != nullptr; }
bool IsNumber(const Value& value) { return value.AsNumber().has_value(); }
bool IsString(const Value& value) { return value.IsString(); }
bool IsMapping(const Value& value) {
  return value.AsDict() != nullptr && !value.AsDict()->is_namespace;
}
bool IsIterable(const Value& value) {
  return value.IsString() || value.IsUndefined() || value.AsList() != nullptr || IsMapping(value);
}
// What has a length and elements; Jinja counts undefined values in.
bool IsSequence(const Value& value) { return IsIterable(value); }
bool IsCallable(const Value& value) {
  return value.AsObject() != nullptr && value.AsObject()->IsCallable();
}
bool IsEscaped(const Value&) { return false; }

bool AreCased(const Value& value, bool (*wrong)(char32_t), bool (*right)(char32_t)) {
  if (!value.IsString()) return false;
  bool some = false;
  for (std::string_view rest = value.AsString()->view(); !rest.empty();) {
    const char32_t c = TakeCodePoint(rest);
    if (wrong(c)) return false;
    some = some || right(c);
  }
  return some;
}
bool IsLowerText(const Value& value) { return AreCased(value, IsUpper, IsLower); }
bool IsUpperText(const Value& value) { return AreCased(value, IsLower, IsUpper); }

template <CompareOperator kOperator>
Result<bool> Compare(Runtime& runtime, const Value& input, Arguments arguments) {
  HEARTH_TRY(const auto bound,
             BoundArguments::Bind("a test that compares", std::move(arguments), {"other"}, 1));
  return ApplyCompare(runtime, kOperator, input, bound[0]);
}

Result<int64_t> Remainder(const Value& input, int64_t divisor) {
  const auto number = input.AsInteger();
  if (!number)
    return TemplateError("odd, even, divisibleby: an integer is expected, not ", TypeName(input));
  if (divisor == 0) return TemplateError("division by zero");
  return divisor == -1 ? 0 : *number % divisor;
}

template <int64_t kRemainder>
Result<bool> Parity(Runtime&, const Value& input, Arguments arguments) {
  HEARTH_CHECK_OK(BoundArguments::Check("odd and even", std::move(arguments)));
  HEARTH_TRY(const int64_t remainder, Remainder(input, 2));
  return (remainder != 0) == (kRemainder != 0);
}

Result<bool> DivisibleBy(Runtime&, const Value& input, Arguments arguments) {
  HEARTH_TRY(const auto bound,
             BoundArguments::Bind("divisibleby", std::move(arguments), {"num"}, 1));
  HEARTH_TRY(const int64_t divisor, bound.IntegerOr(0, 0));
  HEARTH_TRY(const int64_t remainder, Remainder(input, divisor));
  return remainder == 0;
}

// Whether both are one thing. Constants and equal numbers and strings of one type are.
Result<bool> SameAs(Runtime& runtime, const Value& input, Arguments arguments) {
  HEARTH_TRY(const auto bound, BoundArguments::Bind("sameas", std::move(arguments), {"other"}, 1));
  if (input.AsList() != nullptr) return input.AsList() == bound[0].AsList();
  if (input.AsDict() != nullptr) return input.AsDict() == bound[0].AsDict();
  if (TypeName(input) != TypeName(bound[0])) return false;
  return AreEqual(input, bound[0], runtime.budget());
}

template <typename T, T (*find)(std::string_view)>
Result<bool> Exists(Runtime&, const Value& input, Arguments arguments) {
  HEARTH_CHECK_OK(BoundArguments::Check("filter and test", std::move(arguments)));
  return input.IsString() && find(input.AsString()->view()) != nullptr;
}

}  // namespace

TestFunction FindTest(std::string_view name) {
  static constexpr std::pair<std::string_view, TestFunction> kTests[] = {
      {"defined", Ask<IsDefined>},
      {"undefined", Ask<IsUndefined>},
      {"none", Ask<IsNone>},
      {"boolean", Ask<IsBoolean>},
      {"true", Ask<IsTrueConstant>},
      {"false", Ask<IsFalseConstant>},
      {"integer", Ask<IsInteger>},
      {"float", Ask<IsFloat>},
      {"number", Ask<IsNumber>},
      {"string", Ask<IsString>},
      {"mapping", Ask<IsMapping>},
      {"iterable", Ask<IsIterable>},
      {"sequence", Ask<IsSequence>},
      {"callable", Ask<IsCallable>},
      {"escaped", Ask<IsEscaped>},
      {"lower", Ask<IsLowerText>},
      {"upper", Ask<IsUpperText>},
      {"odd", Parity<1>},
      {"even", Parity<0>},
      {"divisibleby", DivisibleBy},
      {"sameas", SameAs},
      {"eq", Compare<CompareOperator::kEqual>},
      {"equalto", Compare<CompareOperator::kEqual>},
      {"ne", Compare<CompareOperator::kNotEqual>},
      {"lt", Compare<CompareOperator::kLess>},
      {"lessthan", Compare<CompareOperator::kLess>},
      {"le", Compare<CompareOperator::kLessEqual>},
      {"gt", Compare<CompareOperator::kGreater>},
      {"greaterthan", Compare<CompareOperator::kGreater>},
      {"ge", Compare<CompareOperator::kGreaterEqual>},
      {"in", Compare<CompareOperator::kIn>},
      {"==", Compare<CompareOperator::kEqual>},
      {"!=", Compare<CompareOperator::kNotEqual>},
      {"<", Compare<CompareOperator::kLess>},
      {"<=", Compare<CompareOperator::kLessEqual>},
      {">", Compare<CompareOperator::kGreater>},
      {">=", Compare<CompareOperator::kGreaterEqual>},
      {"filter", Exists<FilterFunction, FindFilter>},
      {"test", Exists<TestFunction, FindTest>},
  };
  for (const auto& [candidate, test] : kTests) {
    if (candidate == name) return test;
  }
  return nullptr;
}

}  // namespace hearth::serving
