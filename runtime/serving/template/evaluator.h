// Evaluator: walks the tree of a template and writes the text.
//
// One object renders once. Not thread-safe; the tree may be shared.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "runtime/base/core/result.h"
#include "runtime/serving/template/ast.h"
#include "runtime/serving/template/runtime.h"
#include "runtime/serving/template/scope.h"

namespace hearth::serving {

class Evaluator {
 public:
  explicit Evaluator(Runtime& runtime) : runtime_(runtime), root_(scopes_.New(nullptr)) {}

  void SetVariable(std::string_view name, Value value) { root_.Set(name, std::move(value)); }
  Result<TracedString> Render(const Block& block);
  // Where the error was that Render returned; 0 where it was not at a place.
  int error_line() const { return error_line_; }

 private:
  enum class Flow : uint8_t { kNext, kBreak, kContinue };
  class Macro;
  class Loop;

  Result<Flow> Execute(const Block& block, Scope& scope, TracedString& out);
  Result<Flow> ExecuteOne(const Statement& statement, Scope& scope, TracedString& out);
  Result<Flow> ExecuteIf(const IfNode& node, Scope& scope, TracedString& out);
  Result<Flow> ExecuteFor(const ForNode& node, Scope& scope, TracedString& out);
  // Runs the loop over `iterable`, `depth` recursions down.
  Status RunLoop(const ForNode& node, const Value& iterable, int depth, Scope& scope,
                 TracedString& out);
  // The text of a block of its own scope, where break and continue cannot reach out of it.
  Result<Value> Capture(const Block& block, Scope& outer);
  Status ExecuteCallBlock(const CallBlockNode& node, Scope& scope, TracedString& out);
  Status Assign(const Target& target, const Value& value, Scope& scope);
  Status Write(const Value& value, TracedString& out);

  Result<Value> Evaluate(const Expression& expression, Scope& scope);
  Result<Value> EvaluateNode(const Expression& expression, Scope& scope);
  Result<Value> EvaluateName(const NameNode& node, Scope& scope);
  Result<Value> EvaluateList(const ListNode& node, Scope& scope);
  Result<Value> EvaluateDict(const DictNode& node, Scope& scope);
  Result<Value> EvaluateLogic(const LogicNode& node, Scope& scope);
  Result<Value> EvaluateCompare(const CompareNode& node, Scope& scope);
  Result<Value> EvaluateConcat(const ConcatNode& node, Scope& scope);
  Result<Value> EvaluateConditional(const ConditionalNode& node, Scope& scope);
  Result<Value> EvaluateSlice(const SliceNode& node, Scope& scope);
  Result<Value> EvaluateCall(const CallNode& node, Scope& scope, const Value* caller = nullptr);
  Result<Value> ApplyFilter(const FilterNode& node, const Value& input, Scope& scope);
  Result<Value> ApplyFilters(const std::vector<FilterNode>& filters, Value value, Scope& scope);
  Result<Value> EvaluateTest(const TestNode& node, Scope& scope);
  Result<Arguments> EvaluateArguments(const std::vector<ArgumentNode>& nodes, Scope& scope);

  Runtime& runtime_;
  Scopes scopes_;
  Scope& root_;
  int error_line_ = 0;
};

}  // namespace hearth::serving
