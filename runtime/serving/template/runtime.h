// Runtime: what one rendering has at hand: its budget, its heap, and the outside world's share (the
// time).
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "runtime/base/clock.h"
#include "runtime/serving/template/budget.h"
#include "runtime/serving/template/value.h"
#include "runtime/serving/template/value_text.h"

namespace hearth::serving {

class Runtime {
 public:
  Runtime(const RenderLimits& limits, TimePoint now, std::string zone)
      : budget_(limits), now_(now), zone_(std::move(zone)) {}

  Budget& budget() { return budget_; }
  Heap& heap() { return heap_; }
  TimePoint now() const { return now_; }
  const std::string& zone() const { return zone_; }

  // The template itself refused what it was given (raise_exception).
  void Raise() { raised_ = true; }
  bool raised() const { return raised_; }

  // The elements that a value gives one by one: of a list, the keys of a dict, the characters of a
  // string. Nothing of an undefined value. An Error for what cannot be iterated.
  Result<std::vector<Value>> Iterate(const Value& value);
  // object.name and object[key]: undefined where there is no such thing, an Error on an undefined
  // object.
  Result<Value> GetAttribute(const Value& object, std::string_view name);
  Result<Value> GetItem(const Value& object, const Value& key);

 private:
  Budget budget_;
  Heap heap_;
  TimePoint now_;
  std::string zone_;
  bool raised_ = false;
};

// How to word what is wrong with an undefined value.
Error UndefinedError(const Value& value);
template <typename... Args>
Error TemplateError(const Args&... what) {
  return MakeError(ErrorCode::kInvalidArgument, what...);
}

}  // namespace hearth::serving
