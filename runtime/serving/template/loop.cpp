#include "runtime/serving/template/loop.h"

#include "runtime/serving/template/arguments.h"

namespace hearth::serving {

// loop.cycle and loop.changed.
class Evaluator::Loop::Method : public Object {
 public:
  Method(Loop& loop, bool cycles) : loop_(loop), cycles_(cycles) {}
  std::string_view type() const override { return "method"; }
  Result<Value> Call(Runtime& runtime, Arguments arguments) override {
    if (!arguments.named.empty())
      return TemplateError("loop.cycle and loop.changed: there are no named arguments");
    return cycles_ ? loop_.Cycle(arguments.positional)
                   : loop_.Changed(runtime, std::move(arguments.positional));
  }

 private:
  Loop& loop_;
  bool cycles_;
};

std::optional<Value> Evaluator::Loop::Attribute(std::string_view name) {
  const auto index = static_cast<int64_t>(index_), size = static_cast<int64_t>(items_.size());
  if (name == "index") return Value(index + 1);
  if (name == "index0") return Value(index);
  if (name == "revindex") return Value(size - index);
  if (name == "revindex0") return Value(size - index - 1);
  if (name == "first") return Value(index == 0);
  if (name == "last") return Value(index + 1 == size);
  if (name == "length") return Value(size);
  if (name == "depth") return Value(int64_t{depth_ + 1});
  if (name == "depth0") return Value(int64_t{depth_});
  if (name == "previtem") {
    return index == 0 ? Value::UndefinedName("loop.previtem") : items_[index_ - 1];
  }
  if (name == "nextitem") {
    return index + 1 >= size ? Value::UndefinedName("loop.nextitem") : items_[index_ + 1];
  }
  if (name == "cycle" || name == "changed") {
    return Value(
        static_cast<Object*>(evaluator_.runtime_.heap().New<Method>(*this, name == "cycle")));
  }
  return std::nullopt;
}

Result<Value> Evaluator::Loop::Call(Runtime&, Arguments arguments) {
  if (!node_.is_recursive) return TemplateError("loop(…) needs a for statement that is recursive");
  HEARTH_TRY(const auto bound, BoundArguments::Bind("loop", std::move(arguments), {"iterable"}, 1));
  TracedString out;
  HEARTH_CHECK_OK(evaluator_.RunLoop(node_, bound[0], depth_ + 1, scope_, out));
  return Value(std::move(out));
}

Result<Value> Evaluator::Loop::Cycle(const std::vector<Value>& values) const {
  if (values.empty()) return TemplateError("loop.cycle: one value at least is expected");
  return values[index_ % values.size()];
}

Result<Value> Evaluator::Loop::Changed(Runtime& runtime, std::vector<Value> values) {
  bool same = last_values_ && last_values_->size() == values.size();
  for (size_t i = 0; same && i < values.size(); ++i) {
    HEARTH_TRY(same, AreEqual((*last_values_)[i], values[i], runtime.budget()));
  }
  last_values_ = std::move(values);
  return Value(!same);
}

}  // namespace hearth::serving
