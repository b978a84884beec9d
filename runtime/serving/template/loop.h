// Loop: the variable `loop` inside a for statement.
#pragma once

#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/serving/template/evaluator.h"

namespace hearth::serving {

class Evaluator::Loop : public Object {
 public:
  Loop(Evaluator& evaluator, const ForNode& node, std::vector<Value> items, int depth, Scope& scope)
      : evaluator_(evaluator),
        node_(node),
        items_(std::move(items)),
        depth_(depth),
        scope_(scope) {}

  std::string_view type() const override { return "loop"; }
  bool IsCallable() const override { return node_.is_recursive; }
  std::optional<Value> Attribute(std::string_view name) override;
  // loop(items) in a recursive loop: what the loop writes for them.
  Result<Value> Call(Runtime& runtime, Arguments arguments) override;

  size_t size() const { return items_.size(); }
  // Makes the element at `index` the current one, and gives it.
  const Value& MoveTo(size_t index) { return items_[index_ = index]; }

 private:
  class Method;
  Result<Value> Cycle(const std::vector<Value>& values) const;
  Result<Value> Changed(Runtime& runtime, std::vector<Value> values);

  Evaluator& evaluator_;
  const ForNode& node_;
  std::vector<Value> items_;
  const int depth_;
  Scope& scope_;
  size_t index_ = 0;
  std::optional<std::vector<Value>> last_values_;  // of changed()
};

}  // namespace hearth::serving
