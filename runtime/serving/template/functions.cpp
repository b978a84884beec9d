#include "runtime/serving/template/functions.h"

#include <utility>

#include "runtime/base/time_format.h"
#include "runtime/serving/template/arguments.h"
#include "runtime/serving/template/runtime.h"

namespace hearth::serving {
namespace {

constexpr size_t kMaxRange = 100000;
constexpr size_t kMaxTimeFormat = 200;

using FunctionPointer = Result<Value> (*)(Runtime& runtime, Arguments arguments);

class Function : public Object {
 public:
  explicit Function(FunctionPointer function) : function_(function) {}
  std::string_view type() const override { return "function"; }
  Result<Value> Call(Runtime& runtime, Arguments arguments) override {
    return function_(runtime, std::move(arguments));
  }

 private:
  FunctionPointer function_;
};

Result<Value> Range(Runtime& runtime, Arguments arguments) {
  const bool one = arguments.positional.size() == 1;
  HEARTH_TRY(const auto bound,
             BoundArguments::Bind("range", std::move(arguments), {"start", "stop", "step"}, 1));
  HEARTH_TRY(const int64_t first, bound.IntegerOr(0, 0));
  HEARTH_TRY(const int64_t second, bound.IntegerOr(1, 0));
  HEARTH_TRY(const int64_t step, bound.IntegerOr(2, 1));
  if (step == 0) return TemplateError("range: the step is zero");
  const int64_t start = one ? 0 : first, stop = one ? first : second;
  List* const list = runtime.heap().NewList();
  for (int64_t i = start; step > 0 ? i < stop : i > stop;) {
    if (list->items.size() == kMaxRange)
      return TemplateError("range: more than ", kMaxRange, " numbers");
    HEARTH_CHECK_OK(runtime.budget().Spend());
    list->items.emplace_back(i);
    if (__builtin_add_overflow(i, step, &i)) break;
  }
  return Value(list);
}

// dict(other, name=value…) and namespace(…).
Result<Dict*> MakeDict(Runtime& runtime, Arguments arguments) {
  Dict* const dict = runtime.heap().NewDict();
  for (const Value& source : arguments.positional) {
    const Dict* const other = source.AsDict();
    if (other == nullptr)
      return TemplateError("dict and namespace: a dict is expected, not ", TypeName(source));
    HEARTH_CHECK_OK(runtime.budget().Spend(other->members.size() * (1 + dict->members.size() / 8)));
    for (const auto& [key, value] : other->members) dict->Set(key, value);
  }
  for (auto& [name, value] : arguments.named) {
    dict->Set(TracedString(name, Origin::kTemplate), std::move(value));
  }
  return dict;
}

Result<Value> NewDict(Runtime& runtime, Arguments arguments) {
  HEARTH_TRY(Dict* const dict, MakeDict(runtime, std::move(arguments)));
  return Value(dict);
}

Result<Value> NewNamespace(Runtime& runtime, Arguments arguments) {
  HEARTH_TRY(Dict* const dict, MakeDict(runtime, std::move(arguments)));
  dict->is_namespace = true;
  return Value(dict);
}

Result<Value> RaiseException(Runtime& runtime, Arguments arguments) {
  HEARTH_TRY(const auto bound,
             BoundArguments::Bind("raise_exception", std::move(arguments), {"message"}, 1));
  HEARTH_TRY(const StringPtr message, ToText(bound[0], runtime.budget()));
  runtime.Raise();
  return MakeError(ErrorCode::kInvalidArgument, message->view());
}

Result<Value> StrftimeNow(Runtime& runtime, Arguments arguments) {
  HEARTH_TRY(const auto bound,
             BoundArguments::Bind("strftime_now", std::move(arguments), {"format"}, 1));
  HEARTH_TRY(const TracedString* format, bound.StringOr(0, nullptr));
  if (format == nullptr || format->size() > kMaxTimeFormat) {
    return TemplateError("strftime_now: a format of at most ", kMaxTimeFormat,
                         " bytes is expected");
  }
  HEARTH_TRY(const std::string text,
             FormatInZone(runtime.now(), runtime.zone(), std::string(format->view()).c_str()));
  return DataString(text);
}

// Gives nothing at the first call, then the separator.
class Joiner : public Object {
 public:
  explicit Joiner(Value separator) : separator_(std::move(separator)) {}
  std::string_view type() const override { return "Joiner"; }
  Result<Value> Call(Runtime&, Arguments arguments) override {
    HEARTH_CHECK_OK(BoundArguments::Check("a joiner", std::move(arguments)));
    if (std::exchange(used_, true)) return separator_;
    return Value(TracedString());
  }

 private:
  Value separator_;
  bool used_ = false;
};

Result<Value> NewJoiner(Runtime& runtime, Arguments arguments) {
  HEARTH_TRY(const auto bound, BoundArguments::Bind("joiner", std::move(arguments), {"sep"}));
  const Value separator =
      bound.Find(0) == nullptr ? Value(TracedString(", ", Origin::kTemplate)) : bound[0];
  return Value(static_cast<Object*>(runtime.heap().New<Joiner>(separator)));
}

// Goes round through its values: next(), current, reset().
class Cycler : public Object {
 public:
  Cycler(std::vector<Value> values, Heap& heap) : values_(std::move(values)), heap_(heap) {}
  std::string_view type() const override { return "Cycler"; }
  bool IsCallable() const override { return false; }
  Result<Value> Call(Runtime&, Arguments) override {
    return TemplateError("a cycler has next() and reset()");
  }
  std::optional<Value> Attribute(std::string_view name) override;

 private:
  class Step : public Object {
   public:
    Step(Cycler& cycler, bool resets) : cycler_(cycler), resets_(resets) {}
    std::string_view type() const override { return "method"; }
    Result<Value> Call(Runtime&, Arguments arguments) override {
      HEARTH_CHECK_OK(BoundArguments::Check("next and reset", std::move(arguments)));
      const size_t now = cycler_.at_;
      cycler_.at_ = resets_ ? 0 : (now + 1) % cycler_.values_.size();
      return resets_ ? Value() : cycler_.values_[now];
    }

   private:
    Cycler& cycler_;
    bool resets_;
  };

  std::vector<Value> values_;
  Heap& heap_;
  size_t at_ = 0;
};

std::optional<Value> Cycler::Attribute(std::string_view name) {
  if (name == "current") return values_[at_];
  if (name != "next" && name != "reset") return std::nullopt;
  return Value(static_cast<Object*>(heap_.New<Step>(*this, name == "reset")));
}

Result<Value> NewCycler(Runtime& runtime, Arguments arguments) {
  if (arguments.positional.empty() || !arguments.named.empty()) {
    return TemplateError("cycler: one value at least is expected");
  }
  return Value(static_cast<Object*>(
      runtime.heap().New<Cycler>(std::move(arguments.positional), runtime.heap())));
}

}  // namespace

std::optional<Value> FindFunction(Runtime& runtime, std::string_view name) {
  static constexpr std::pair<std::string_view, FunctionPointer> kFunctions[] = {
      {"range", Range},
      {"dict", NewDict},
      {"namespace", NewNamespace},
      {"raise_exception", RaiseException},
      {"strftime_now", StrftimeNow},
      {"joiner", NewJoiner},
      {"cycler", NewCycler},
  };
  for (const auto& [candidate, function] : kFunctions) {
    if (candidate == name)
      return Value(static_cast<Object*>(runtime.heap().New<Function>(function)));
  }
  return std::nullopt;
}

}  // namespace hearth::serving
