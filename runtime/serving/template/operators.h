// What + - * / // % ** and `in` do, as in Python. Integers have 64 bits; what does not fit is an
// Error.
#pragma once

#include "runtime/base/core/result.h"
#include "runtime/serving/template/ast.h"
#include "runtime/serving/template/value.h"

namespace hearth::serving {

class Runtime;

Result<Value> ApplyBinary(Runtime& runtime, BinaryOperator op, const Value& left,
                          const Value& right);
Result<Value> ApplyUnary(UnaryOperator op, const Value& operand);
Result<bool> ApplyCompare(Runtime& runtime, CompareOperator op, const Value& left,
                          const Value& right);
// Whether `container` has `item`: a part of a string, an element of a list, a key of a dict.
Result<bool> Contains(Runtime& runtime, const Value& container, const Value& item);

}  // namespace hearth::serving
