// BoundArguments: the arguments of a call under the names of its parameters.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/base/core/result.h"
#include "runtime/serving/template/value.h"

namespace hearth::serving {

class BoundArguments {
 public:
  // `what` names the function in errors: too many arguments, an unknown or doubled name, or fewer
  // than the first `required` parameters.
  static Result<BoundArguments> Bind(std::string_view what, Arguments arguments,
                                     std::initializer_list<std::string_view> parameters,
                                     size_t required = 0);

  // For a function without parameters.
  static Status Check(std::string_view what, Arguments arguments) {
    auto bound = Bind(what, std::move(arguments), {});
    return bound.ok() ? Status() : Status(bound.error());
  }

  // Null where the argument was not given.
  const Value* Find(size_t parameter) const {
    return given_[parameter] ? &values_[parameter] : nullptr;
  }
  // A required argument.
  const Value& operator[](size_t parameter) const { return values_[parameter]; }
  bool IsTrueOr(size_t parameter, bool fallback) const {
    return given_[parameter] ? IsTrue(values_[parameter]) : fallback;
  }
  // An Error where the argument has another type. None counts as not given.
  Result<int64_t> IntegerOr(size_t parameter, int64_t fallback) const;
  Result<const TracedString*> StringOr(size_t parameter, const TracedString* fallback) const;

 private:
  Error WrongType(size_t parameter, std::string_view wanted) const;

  std::string what_;
  std::vector<std::string_view> names_;
  std::vector<Value> values_;
  std::vector<bool> given_;
};

}  // namespace hearth::serving
