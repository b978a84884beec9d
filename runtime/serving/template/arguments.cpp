#include "runtime/serving/template/arguments.h"

#include <algorithm>
#include <utility>

#include "runtime/serving/template/runtime.h"

namespace hearth::serving {

Result<BoundArguments> BoundArguments::Bind(std::string_view what, Arguments arguments,
                                            std::initializer_list<std::string_view> parameters,
                                            size_t required) {
  BoundArguments bound;
  bound.what_ = what;
  bound.names_ = parameters;
  bound.values_.resize(parameters.size());
  bound.given_.resize(parameters.size());
  if (arguments.positional.size() > parameters.size()) {
    return TemplateError(what, " takes at most ", parameters.size(), " arguments, ",
                         arguments.positional.size(), " were given");
  }
  for (size_t i = 0; i < arguments.positional.size(); ++i) {
    bound.values_[i] = std::move(arguments.positional[i]);
    bound.given_[i] = true;
  }
  for (auto& [name, value] : arguments.named) {
    const auto place = std::find(bound.names_.begin(), bound.names_.end(), name);
    if (place == bound.names_.end()) return TemplateError(what, " has no argument '", name, "'");
    const auto index = static_cast<size_t>(place - bound.names_.begin());
    if (bound.given_[index])
      return TemplateError(what, ": the argument '", name, "' is given twice");
    bound.values_[index] = std::move(value);
    bound.given_[index] = true;
  }
  for (size_t i = 0; i < required; ++i) {
    if (!bound.given_[i])
      return TemplateError(what, ": the argument '", bound.names_[i], "' is missing");
  }
  return bound;
}

Error BoundArguments::WrongType(size_t parameter, std::string_view wanted) const {
  return TemplateError(what_, ": the argument '", names_[parameter], "' must be ", wanted, ", not ",
                       TypeName(values_[parameter]));
}

Result<int64_t> BoundArguments::IntegerOr(size_t parameter, int64_t fallback) const {
  if (!given_[parameter] || values_[parameter].IsNone()) return fallback;
  const auto number = values_[parameter].AsInteger();
  if (!number) return WrongType(parameter, "an integer");
  return *number;
}

Result<const TracedString*> BoundArguments::StringOr(size_t parameter,
                                                     const TracedString* fallback) const {
  if (!given_[parameter] || values_[parameter].IsNone()) return fallback;
  const TracedString* const text = values_[parameter].AsString();
  if (text == nullptr) return WrongType(parameter, "a string");
  return text;
}

}  // namespace hearth::serving
