// The methods of strings, lists and dicts that templates may call.
#pragma once

#include <string_view>

#include "runtime/base/core/result.h"
#include "runtime/serving/template/value.h"

namespace hearth::serving {

class Runtime;

using MethodFunction = Result<Value> (*)(Runtime& runtime, const Value& self, Arguments arguments);

// Null where a value of that type has no such method.
MethodFunction FindMethod(const Value& self, std::string_view name);

MethodFunction FindStringMethod(std::string_view name);
MethodFunction FindListMethod(std::string_view name);
MethodFunction FindDictMethod(std::string_view name);

// A method together with what it is called on.
class BoundMethod : public Object {
 public:
  BoundMethod(Value self, MethodFunction function) : self_(std::move(self)), function_(function) {}
  std::string_view type() const override { return "method"; }
  Result<Value> Call(Runtime& runtime, Arguments arguments) override {
    return function_(runtime, self_, std::move(arguments));
  }

 private:
  Value self_;
  MethodFunction function_;
};

}  // namespace hearth::serving
