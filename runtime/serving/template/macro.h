// Macro: a macro of a template together with the scope in which it was defined.
#pragma once

#include <memory>
#include <utility>

#include "runtime/serving/template/evaluator.h"

namespace hearth::serving {

class Evaluator::Macro : public Object {
 public:
  Macro(Evaluator& evaluator, std::shared_ptr<const MacroNode> node, Scope& scope)
      : evaluator_(evaluator), node_(std::move(node)), scope_(scope) {}

  std::string_view type() const override { return "macro"; }
  std::optional<Value> Attribute(std::string_view name) override {
    if (name == "name") return Value(TracedString(node_->name, Origin::kTemplate));
    return std::nullopt;
  }
  // What the body writes. Parameters that were not given take their default or are undefined; what
  // is left over is the body's varargs and kwargs.
  Result<Value> Call(Runtime& runtime, Arguments arguments) override;

 private:
  Evaluator& evaluator_;
  const std::shared_ptr<const MacroNode> node_;
  Scope& scope_;
};

}  // namespace hearth::serving
