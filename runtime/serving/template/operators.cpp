#include "runtime/serving/template/operators.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "runtime/serving/template/runtime.h"
#include "runtime/serving/template/text_format.h"

namespace hearth::serving {
namespace {

std::string_view Symbol(BinaryOperator op) {
  switch (op) {
    case BinaryOperator::kAdd:
      return "+";
    case BinaryOperator::kSubtract:
      return "-";
    case BinaryOperator::kMultiply:
      return "*";
    case BinaryOperator::kDivide:
      return "/";
    case BinaryOperator::kFloorDivide:
      return "//";
    case BinaryOperator::kModulo:
      return "%";
    case BinaryOperator::kPower:
      return "**";
  }
  return "";
}

Error TooLarge() { return TemplateError("an integer does not fit in 64 bits"); }

Result<Value> PowerOfIntegers(int64_t base, int64_t exponent) {
  if (exponent < 0)
    return Value(std::pow(static_cast<double>(base), static_cast<double>(exponent)));
  int64_t result = 1;
  while (exponent > 0) {
    if ((exponent & 1) != 0 && __builtin_mul_overflow(result, base, &result)) return TooLarge();
    exponent >>= 1;
    if (exponent > 0 && __builtin_mul_overflow(base, base, &base)) return TooLarge();
  }
  return Value(result);
}

Result<Value> OnIntegers(BinaryOperator op, int64_t a, int64_t b) {
  int64_t result = 0;
  switch (op) {
    case BinaryOperator::kAdd:
      return __builtin_add_overflow(a, b, &result) ? Result<Value>(TooLarge()) : Value(result);
    case BinaryOperator::kSubtract:
      return __builtin_sub_overflow(a, b, &result) ? Result<Value>(TooLarge()) : Value(result);
    case BinaryOperator::kMultiply:
      return __builtin_mul_overflow(a, b, &result) ? Result<Value>(TooLarge()) : Value(result);
    case BinaryOperator::kPower:
      return PowerOfIntegers(a, b);
    default:
      break;
  }
  if (b == 0) return TemplateError("division by zero");
  if (op == BinaryOperator::kDivide) return Value(static_cast<double>(a) / static_cast<double>(b));
  if (b == -1) {  // the only quotient that can overflow
    if (op == BinaryOperator::kModulo) return Value(int64_t{0});
    return __builtin_sub_overflow(int64_t{0}, a, &result) ? Result<Value>(TooLarge())
                                                          : Value(result);
  }
  // Python rounds towards minus infinity, and the remainder has the divisor's sign.
  const bool adjust = a % b != 0 && (a % b < 0) != (b < 0);
  if (op == BinaryOperator::kFloorDivide) return Value(a / b - (adjust ? 1 : 0));
  return Value(a % b + (adjust ? b : 0));
}

Result<Value> OnFloats(BinaryOperator op, double a, double b) {
  switch (op) {
    case BinaryOperator::kAdd:
      return Value(a + b);
    case BinaryOperator::kSubtract:
      return Value(a - b);
    case BinaryOperator::kMultiply:
      return Value(a * b);
    case BinaryOperator::kPower:
      return Value(std::pow(a, b));
    default:
      break;
  }
  if (b == 0) return TemplateError("division by zero");
  if (op == BinaryOperator::kDivide) return Value(a / b);
  double remainder = std::fmod(a, b);
  if (remainder != 0 && (remainder < 0) != (b < 0)) remainder += b;
  if (op == BinaryOperator::kModulo) return Value(remainder);
  return Value(std::floor((a - remainder) / b + 0.5));
}

// text * count, list * count.
Result<Value> Repeat(Runtime& runtime, const Value& sequence, int64_t count) {
  count = std::max<int64_t>(count, 0);
  const auto times = [&](size_t size) {
    size_t total = 0;
    return __builtin_mul_overflow(size, static_cast<size_t>(count), &total) ? SIZE_MAX / 2 : total;
  };
  if (const TracedString* const text = sequence.AsString()) {
    HEARTH_CHECK_OK(runtime.budget().SpendString(times(text->size())));
    TracedString out;
    for (int64_t i = 0; i < (text->empty() ? 0 : count); ++i) out.Append(*text);
    return Value(std::move(out));
  }
  const List* const list = sequence.AsList();
  HEARTH_CHECK_OK(runtime.budget().Spend(times(list->items.size())));
  List* const out = runtime.heap().NewList({}, list->is_tuple);
  for (int64_t i = 0; i < (list->items.empty() ? 0 : count); ++i) {
    out->items.insert(out->items.end(), list->items.begin(), list->items.end());
  }
  return Value(out);
}

std::optional<Result<Value>> OnSequences(Runtime& runtime, BinaryOperator op, const Value& left,
                                         const Value& right) {
  const TracedString *text = left.AsString(), *other_text = right.AsString();
  const List *list = left.AsList(), *other_list = right.AsList();
  if (op == BinaryOperator::kModulo && text != nullptr) return FormatPercent(runtime, *text, right);
  if (op == BinaryOperator::kMultiply) {
    if ((text != nullptr || list != nullptr) && right.AsInteger())
      return Repeat(runtime, left, *right.AsInteger());
    if ((other_text != nullptr || other_list != nullptr) && left.AsInteger()) {
      return Repeat(runtime, right, *left.AsInteger());
    }
  }
  if (op != BinaryOperator::kAdd) return std::nullopt;
  if (text != nullptr && other_text != nullptr) {
    const Status spent = runtime.budget().SpendString(text->size() + other_text->size());
    if (!spent.ok()) return spent.error();
    TracedString sum = *text;
    sum.Append(*other_text);
    return Value(std::move(sum));
  }
  if (list != nullptr && other_list != nullptr && list->is_tuple == other_list->is_tuple) {
    const Status spent = runtime.budget().Spend(list->items.size() + other_list->items.size());
    if (!spent.ok()) return spent.error();
    List* const sum = runtime.heap().NewList(list->items, list->is_tuple);
    sum->items.insert(sum->items.end(), other_list->items.begin(), other_list->items.end());
    return Value(sum);
  }
  return std::nullopt;
}

}  // namespace

Result<Value> ApplyBinary(Runtime& runtime, BinaryOperator op, const Value& left,
                          const Value& right) {
  if (left.IsUndefined()) return UndefinedError(left);
  if (right.IsUndefined()) return UndefinedError(right);
  const auto a = left.AsInteger(), b = right.AsInteger();
  if (a && b) return OnIntegers(op, *a, *b);
  const auto x = left.AsNumber(), y = right.AsNumber();
  if (x && y) return OnFloats(op, *x, *y);
  if (auto result = OnSequences(runtime, op, left, right)) return *std::move(result);
  return TemplateError("'", Symbol(op), "' is not possible between ", TypeName(left), " and ",
                       TypeName(right));
}

Result<Value> ApplyUnary(UnaryOperator op, const Value& operand) {
  if (op == UnaryOperator::kNot) return Value(!IsTrue(operand));
  if (operand.IsUndefined()) return UndefinedError(operand);
  if (const auto number = operand.AsInteger()) {
    return op == UnaryOperator::kMinus ? OnIntegers(BinaryOperator::kSubtract, 0, *number)
                                       : Value(*number);
  }
  if (const double* const number = operand.AsFloat())
    return Value(op == UnaryOperator::kMinus ? -*number : *number);
  return TemplateError("a sign before a value of type ", TypeName(operand));
}

Result<bool> Contains(Runtime& runtime, const Value& container, const Value& item) {
  if (const TracedString* const text = container.AsString()) {
    const TracedString* const part = item.AsString();
    if (part == nullptr)
      return TemplateError("'in' a string: a string is expected, not ", TypeName(item));
    HEARTH_CHECK_OK(runtime.budget().Spend(text->size() / 64));
    return text->view().find(part->view()) != std::string_view::npos;
  }
  if (const List* const list = container.AsList()) {
    for (const Value& one : list->items) {
      HEARTH_TRY(const bool same, AreEqual(one, item, runtime.budget()));
      if (same) return true;
    }
    return false;
  }
  if (Dict* const dict = container.AsDict(); dict != nullptr && !dict->is_namespace) {
    HEARTH_CHECK_OK(runtime.budget().Spend(dict->members.size() / 8));
    return dict->Find(item) != nullptr;
  }
  if (container.IsUndefined()) return false;
  return TemplateError("'in' a value of type ", TypeName(container), " is not possible");
}

Result<bool> ApplyCompare(Runtime& runtime, CompareOperator op, const Value& left,
                          const Value& right) {
  switch (op) {
    case CompareOperator::kEqual:
      return AreEqual(left, right, runtime.budget());
    case CompareOperator::kNotEqual: {
      HEARTH_TRY(const bool same, AreEqual(left, right, runtime.budget()));
      return !same;
    }
    case CompareOperator::kIn:
      return Contains(runtime, right, left);
    case CompareOperator::kNotIn: {
      HEARTH_TRY(const bool found, Contains(runtime, right, left));
      return !found;
    }
    default:
      break;
  }
  if (left.IsUndefined()) return UndefinedError(left);
  if (right.IsUndefined()) return UndefinedError(right);
  HEARTH_TRY(const int order, Order(left, right, runtime.budget()));
  switch (op) {
    case CompareOperator::kLess:
      return order < 0;
    case CompareOperator::kLessEqual:
      return order <= 0;
    case CompareOperator::kGreater:
      return order > 0;
    default:
      return order >= 0;
  }
}

}  // namespace hearth::serving
