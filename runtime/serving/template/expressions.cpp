// The expressions' half of the evaluator.
#include <utility>

#include "runtime/serving/template/evaluator.h"
#include "runtime/serving/template/functions.h"
#include "runtime/serving/template/operators.h"
#include "runtime/serving/template/overloaded.h"
#include "runtime/serving/template/text_operations.h"

namespace hearth::serving {
Result<Value> Evaluator::Evaluate(const Expression& expression, Scope& scope) {
  const Budget::Level level(runtime_.budget());
  HEARTH_CHECK_OK(level.Check());
  HEARTH_CHECK_OK(runtime_.budget().Spend());
  auto value = EvaluateNode(expression, scope);
  if (!value.ok() && error_line_ == 0) error_line_ = expression.line;
  return value;
}

Result<Value> Evaluator::EvaluateNode(const Expression& expression, Scope& scope) {
  return std::visit(
      Overloaded{
          [&](const Literal& node) -> Result<Value> { return node.value; },
          [&](const NameNode& node) { return EvaluateName(node, scope); },
          [&](const ListNode& node) { return EvaluateList(node, scope); },
          [&](const DictNode& node) { return EvaluateDict(node, scope); },
          [&](const UnaryNode& node) -> Result<Value> {
            HEARTH_TRY(const Value operand, Evaluate(*node.operand, scope));
            return ApplyUnary(node.op, operand);
          },
          [&](const BinaryNode& node) -> Result<Value> {
            HEARTH_TRY(const Value left, Evaluate(*node.left, scope));
            HEARTH_TRY(const Value right, Evaluate(*node.right, scope));
            return ApplyBinary(runtime_, node.op, left, right);
          },
          [&](const LogicNode& node) { return EvaluateLogic(node, scope); },
          [&](const CompareNode& node) { return EvaluateCompare(node, scope); },
          [&](const ConcatNode& node) { return EvaluateConcat(node, scope); },
          [&](const ConditionalNode& node) { return EvaluateConditional(node, scope); },
          [&](const AttributeNode& node) -> Result<Value> {
            HEARTH_TRY(const Value object, Evaluate(*node.object, scope));
            return runtime_.GetAttribute(object, node.name);
          },
          [&](const SubscriptNode& node) -> Result<Value> {
            HEARTH_TRY(const Value object, Evaluate(*node.object, scope));
            HEARTH_TRY(const Value key, Evaluate(*node.key, scope));
            return runtime_.GetItem(object, key);
          },
          [&](const SliceNode& node) { return EvaluateSlice(node, scope); },
          [&](const CallNode& node) { return EvaluateCall(node, scope); },
          [&](const FilterNode& node) -> Result<Value> {
            HEARTH_TRY(const Value input, Evaluate(*node.input, scope));
            return ApplyFilter(node, input, scope);
          },
          [&](const TestNode& node) { return EvaluateTest(node, scope); },
      },
      expression.node);
}

Result<Value> Evaluator::EvaluateName(const NameNode& node, Scope& scope) {
  if (const Value* const found = scope.Find(node.name)) return *found;
  if (auto function = FindFunction(runtime_, node.name)) return *std::move(function);
  return Value::UndefinedName(node.name);
}

Result<Value> Evaluator::EvaluateList(const ListNode& node, Scope& scope) {
  List* const list = runtime_.heap().NewList({}, node.is_tuple);
  for (const ExpressionPtr& item : node.items) {
    HEARTH_TRY(Value value, Evaluate(*item, scope));
    list->items.push_back(std::move(value));
  }
  return Value(list);
}

Result<Value> Evaluator::EvaluateDict(const DictNode& node, Scope& scope) {
  Dict* const dict = runtime_.heap().NewDict();
  for (const auto& [key_node, value_node] : node.members) {
    HEARTH_TRY(const Value key, Evaluate(*key_node, scope));
    HEARTH_TRY(Value value, Evaluate(*value_node, scope));
    if (!IsKey(key)) return TemplateError("a value of type ", TypeName(key), " cannot be a key");
    dict->Set(key, std::move(value));
  }
  return Value(dict);
}

Result<Value> Evaluator::EvaluateLogic(const LogicNode& node, Scope& scope) {
  HEARTH_TRY(Value left, Evaluate(*node.left, scope));
  if (IsTrue(left) != node.is_and) return left;
  return Evaluate(*node.right, scope);
}

Result<Value> Evaluator::EvaluateCompare(const CompareNode& node, Scope& scope) {
  HEARTH_TRY(Value left, Evaluate(*node.first, scope));
  for (const auto& [op, expression] : node.rest) {
    HEARTH_TRY(Value right, Evaluate(*expression, scope));
    HEARTH_TRY(const bool holds, ApplyCompare(runtime_, op, left, right));
    if (!holds) return Value(false);
    left = std::move(right);
  }
  return Value(true);
}

Result<Value> Evaluator::EvaluateConcat(const ConcatNode& node, Scope& scope) {
  TracedString joined;
  for (const ExpressionPtr& part : node.parts) {
    HEARTH_TRY(const Value value, Evaluate(*part, scope));
    HEARTH_TRY(const StringPtr text, ToText(value, runtime_.budget()));
    HEARTH_CHECK_OK(runtime_.budget().SpendString(joined.size() + text->size()));
    joined.Append(*text);
  }
  return Value(std::move(joined));
}

Result<Value> Evaluator::EvaluateConditional(const ConditionalNode& node, Scope& scope) {
  HEARTH_TRY(const Value condition, Evaluate(*node.condition, scope));
  if (IsTrue(condition)) return Evaluate(*node.then, scope);
  if (node.otherwise != nullptr) return Evaluate(*node.otherwise, scope);
  return Value::UndefinedName("the value of an if expression without else");
}

Result<Value> Evaluator::EvaluateSlice(const SliceNode& node, Scope& scope) {
  HEARTH_TRY(const Value object, Evaluate(*node.object, scope));
  std::optional<int64_t> bounds[3];
  const Expression* const nodes[3] = {node.start.get(), node.stop.get(), node.step.get()};
  for (size_t i = 0; i < 3; ++i) {
    if (nodes[i] == nullptr) continue;
    HEARTH_TRY(const Value bound, Evaluate(*nodes[i], scope));
    bounds[i] = bound.AsInteger();
    if (!bounds[i] && !bound.IsNone())
      return TemplateError("a slice by a value of type ", TypeName(bound));
  }
  const int64_t step = bounds[2].value_or(1);
  if (step == 0) return TemplateError("the step of a slice is zero");
  if (const TracedString* const text = object.AsString()) {
    HEARTH_TRY(TracedString slice, SliceText(*text, bounds[0], bounds[1], step, runtime_.budget()));
    return Value(std::move(slice));
  }
  if (object.IsUndefined()) return UndefinedError(object);
  const List* const list = object.AsList();
  if (list == nullptr) return TemplateError("a value of type ", TypeName(object), " has no slices");
  HEARTH_CHECK_OK(runtime_.budget().Spend(list->items.size()));
  List* const slice = runtime_.heap().NewList({}, list->is_tuple);
  for (const size_t i : SliceIndices(list->items.size(), bounds[0], bounds[1], step)) {
    slice->items.push_back(list->items[i]);
  }
  return Value(slice);
}

Result<Arguments> Evaluator::EvaluateArguments(const std::vector<ArgumentNode>& nodes,
                                               Scope& scope) {
  Arguments arguments;
  for (const ArgumentNode& node : nodes) {
    HEARTH_TRY(Value value, Evaluate(*node.value, scope));
    switch (node.kind) {
      case ArgumentNode::Kind::kPositional:
        arguments.positional.push_back(std::move(value));
        break;
      case ArgumentNode::Kind::kNamed:
        arguments.named.emplace_back(node.name, std::move(value));
        break;
      case ArgumentNode::Kind::kSpread: {
        HEARTH_TRY(const std::vector<Value> items, runtime_.Iterate(value));
        arguments.positional.insert(arguments.positional.end(), items.begin(), items.end());
        break;
      }
      case ArgumentNode::Kind::kSpreadNamed: {
        const Dict* const dict = value.AsDict();
        if (dict == nullptr) return TemplateError("**: a dict is expected, not ", TypeName(value));
        HEARTH_CHECK_OK(runtime_.budget().Spend(dict->members.size()));
        for (const auto& [key, member] : dict->members) {
          if (!key.IsString()) return TemplateError("**: the keys must be strings");
          arguments.named.emplace_back(key.AsString()->view(), member);
        }
        break;
      }
    }
  }
  return arguments;
}

Result<Value> Evaluator::EvaluateCall(const CallNode& node, Scope& scope, const Value* caller) {
  HEARTH_TRY(const Value callee, Evaluate(*node.callee, scope));
  if (callee.IsUndefined()) return UndefinedError(callee);
  Object* const object = callee.AsObject();
  if (object == nullptr)
    return TemplateError("a value of type ", TypeName(callee), " cannot be called");
  HEARTH_TRY(Arguments arguments, EvaluateArguments(node.arguments, scope));
  if (caller != nullptr) arguments.named.emplace_back("caller", *caller);
  return object->Call(runtime_, std::move(arguments));
}

Result<Value> Evaluator::ApplyFilter(const FilterNode& node, const Value& input, Scope& scope) {
  HEARTH_TRY(Arguments arguments, EvaluateArguments(node.arguments, scope));
  return node.filter(runtime_, input, std::move(arguments));
}

Result<Value> Evaluator::ApplyFilters(const std::vector<FilterNode>& filters, Value value,
                                      Scope& scope) {
  for (const FilterNode& filter : filters) {
    HEARTH_TRY(value, ApplyFilter(filter, value, scope));
  }
  return value;
}

Result<Value> Evaluator::EvaluateTest(const TestNode& node, Scope& scope) {
  HEARTH_TRY(const Value input, Evaluate(*node.input, scope));
  HEARTH_TRY(Arguments arguments, EvaluateArguments(node.arguments, scope));
  HEARTH_TRY(const bool holds, node.test(runtime_, input, std::move(arguments)));
  return Value(holds != node.negated);
}

}  // namespace hearth::serving
