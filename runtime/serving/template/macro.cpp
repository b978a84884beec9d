#include "runtime/serving/template/macro.h"

#include <algorithm>

namespace hearth::serving {

Result<Value> Evaluator::Macro::Call(Runtime& runtime, Arguments arguments) {
  Scope& scope = evaluator_.scopes_.New(&scope_);
  for (size_t i = 0; i < node_->parameters.size(); ++i) {
    const Parameter& parameter = node_->parameters[i];
    const auto named =
        std::find_if(arguments.named.begin(), arguments.named.end(),
                     [&](const auto& argument) { return argument.first == parameter.name; });
    Value value;
    if (i < arguments.positional.size()) {
      if (named != arguments.named.end()) {
        return TemplateError("the macro '", node_->name, "' got '", parameter.name, "' twice");
      }
      value = arguments.positional[i];
    } else if (named != arguments.named.end()) {
      value = std::move(named->second);
      arguments.named.erase(named);
    } else if (parameter.fallback != nullptr) {
      HEARTH_TRY(value, evaluator_.Evaluate(*parameter.fallback, scope));
    } else {
      value = Value::UndefinedName(parameter.name);
    }
    scope.Set(parameter.name, std::move(value));
  }
  if (arguments.positional.size() > node_->parameters.size()) {
    const auto first =
        arguments.positional.begin() + static_cast<std::ptrdiff_t>(node_->parameters.size());
    scope.Set("varargs", runtime.heap().NewList({first, arguments.positional.end()}, true));
  }
  for (auto& [name, value] : arguments.named) {
    if (name == "caller") {
      scope.Set(name, std::move(value));
      continue;
    }
    const Value* extra = scope.Find("kwargs");
    if (extra == nullptr || extra->AsDict() == nullptr) {
      scope.Set("kwargs", runtime.heap().NewDict());
      extra = scope.Find("kwargs");
    }
    extra->AsDict()->Set(TracedString(name, Origin::kTemplate), std::move(value));
  }
  return evaluator_.Capture(node_->body, scope);
}

}  // namespace hearth::serving
