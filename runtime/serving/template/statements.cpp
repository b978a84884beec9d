// The statements' half of the evaluator.
#include <utility>

#include "runtime/serving/template/evaluator.h"
#include "runtime/serving/template/loop.h"
#include "runtime/serving/template/macro.h"
#include "runtime/serving/template/overloaded.h"

namespace hearth::serving {
Result<TracedString> Evaluator::Render(const Block& block) {
  TracedString out;
  const auto flow = Execute(block, root_, out);
  if (!flow.ok()) return flow.error();
  return out;
}

Result<Evaluator::Flow> Evaluator::Execute(const Block& block, Scope& scope, TracedString& out) {
  const Budget::Level level(runtime_.budget());
  HEARTH_CHECK_OK(level.Check());
  for (const Statement& statement : block) {
    HEARTH_CHECK_OK(runtime_.budget().Spend());
    auto flow = ExecuteOne(statement, scope, out);
    if (!flow.ok() && error_line_ == 0) error_line_ = statement.line;
    if (!flow.ok() || *flow != Flow::kNext) return flow;
  }
  return Flow::kNext;
}

Result<Evaluator::Flow> Evaluator::ExecuteOne(const Statement& statement, Scope& scope,
                                              TracedString& out) {
  const auto next = [](const Status& status) -> Result<Flow> {
    if (!status.ok()) return status.error();
    return Flow::kNext;
  };
  return std::visit(
      Overloaded{
          [&](const TextNode& node) { return next(Write(Value(node.text), out)); },
          [&](const OutputNode& node) -> Result<Flow> {
            HEARTH_TRY(const Value value, Evaluate(*node.value, scope));
            return next(Write(value, out));
          },
          [&](const IfNode& node) { return ExecuteIf(node, scope, out); },
          [&](const ForNode& node) { return ExecuteFor(node, scope, out); },
          [&](const SetNode& node) -> Result<Flow> {
            HEARTH_TRY(const Value value, Evaluate(*node.value, scope));
            return next(Assign(node.target, value, scope));
          },
          [&](const SetBlockNode& node) -> Result<Flow> {
            HEARTH_TRY(Value value, Capture(node.body, scope));
            HEARTH_TRY(value, ApplyFilters(node.filters, std::move(value), scope));
            return next(Assign(node.target, value, scope));
          },
          [&](const std::shared_ptr<const MacroNode>& node) -> Result<Flow> {
            scope.Set(node->name,
                      Value(static_cast<Object*>(runtime_.heap().New<Macro>(*this, node, scope))));
            return Flow::kNext;
          },
          [&](const CallBlockNode& node) { return next(ExecuteCallBlock(node, scope, out)); },
          [&](const FilterBlockNode& node) -> Result<Flow> {
            HEARTH_TRY(Value value, Capture(node.body, scope));
            HEARTH_TRY(value, ApplyFilters(node.filters, std::move(value), scope));
            return next(Write(value, out));
          },
          [&](const WithNode& node) -> Result<Flow> {
            Scope& inner = scopes_.New(&scope);
            for (const auto& [target, expression] : node.assignments) {
              HEARTH_TRY(const Value value, Evaluate(*expression, scope));
              HEARTH_CHECK_OK(Assign(target, value, inner));
            }
            return Execute(node.body, inner, out);
          },
          [&](const BreakNode&) -> Result<Flow> { return Flow::kBreak; },
          [&](const ContinueNode&) -> Result<Flow> { return Flow::kContinue; },
      },
      statement.node);
}

Result<Evaluator::Flow> Evaluator::ExecuteIf(const IfNode& node, Scope& scope, TracedString& out) {
  for (const IfNode::Branch& branch : node.branches) {
    if (branch.condition != nullptr) {
      HEARTH_TRY(const Value condition, Evaluate(*branch.condition, scope));
      if (!IsTrue(condition)) continue;
    }
    return Execute(branch.body, scope, out);
  }
  return Flow::kNext;
}

Result<Evaluator::Flow> Evaluator::ExecuteFor(const ForNode& node, Scope& scope,
                                              TracedString& out) {
  HEARTH_TRY(const Value iterable, Evaluate(*node.iterable, scope));
  HEARTH_CHECK_OK(RunLoop(node, iterable, 0, scope, out));
  return Flow::kNext;
}

Status Evaluator::RunLoop(const ForNode& node, const Value& iterable, int depth, Scope& scope,
                          TracedString& out) {
  HEARTH_TRY(std::vector<Value> items, runtime_.Iterate(iterable));
  if (node.condition != nullptr) {
    std::vector<Value> kept;
    for (Value& item : items) {
      Scope& trial = scopes_.New(&scope);
      HEARTH_CHECK_OK(Assign(node.target, item, trial));
      HEARTH_TRY(const Value condition, Evaluate(*node.condition, trial));
      if (IsTrue(condition)) kept.push_back(std::move(item));
    }
    items = std::move(kept);
  }
  if (items.empty()) {
    HEARTH_TRY([[maybe_unused]] const Flow flow, Execute(node.otherwise, scopes_.New(&scope), out));
    return {};
  }
  Loop& loop = *runtime_.heap().New<Loop>(*this, node, std::move(items), depth, scope);
  for (size_t i = 0; i < loop.size(); ++i) {
    Scope& body = scopes_.New(&scope);
    body.Set("loop", Value(static_cast<Object*>(&loop)));
    HEARTH_CHECK_OK(Assign(node.target, loop.MoveTo(i), body));
    HEARTH_TRY(const Flow flow, Execute(node.body, body, out));
    if (flow == Flow::kBreak) break;
  }
  return {};
}

Result<Value> Evaluator::Capture(const Block& block, Scope& outer) {
  TracedString text;
  HEARTH_TRY([[maybe_unused]] const Flow flow, Execute(block, scopes_.New(&outer), text));
  return Value(std::move(text));
}

Status Evaluator::ExecuteCallBlock(const CallBlockNode& node, Scope& scope, TracedString& out) {
  const Value caller(static_cast<Object*>(runtime_.heap().New<Macro>(*this, node.caller, scope)));
  HEARTH_TRY(const Value value, EvaluateCall(std::get<CallNode>(node.call->node), scope, &caller));
  return Write(value, out);
}

Status Evaluator::Assign(const Target& target, const Value& value, Scope& scope) {
  if (!target.elements.empty()) {
    HEARTH_TRY(const std::vector<Value> items, runtime_.Iterate(value));
    if (items.size() != target.elements.size()) {
      return TemplateError(items.size(), " values cannot be assigned to ", target.elements.size(),
                           " names");
    }
    for (size_t i = 0; i < items.size(); ++i)
      HEARTH_CHECK_OK(Assign(target.elements[i], items[i], scope));
    return {};
  }
  if (target.attribute.empty()) {
    scope.Set(target.name, value);
    return {};
  }
  const Value* const object = scope.Find(target.name);
  Dict* const members = object == nullptr ? nullptr : object->AsDict();
  if (members == nullptr || !members->is_namespace) {
    return TemplateError("'", target.name, ".", target.attribute,
                         "' can only be set on a namespace()");
  }
  members->Set(TracedString(target.attribute, Origin::kTemplate), value);
  return {};
}

Status Evaluator::Write(const Value& value, TracedString& out) {
  HEARTH_TRY(const StringPtr text, ToText(value, runtime_.budget()));
  HEARTH_CHECK_OK(runtime_.budget().SpendString(text->size()));
  out.Append(*text);
  const size_t most = runtime_.budget().limits().max_output_bytes;
  return out.size() > most ? runtime_.budget().SpendString(out.size()) : Status();
}

}  // namespace hearth::serving
