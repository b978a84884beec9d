// The methods of lists and dicts.
#include <algorithm>
#include <utility>

#include "runtime/serving/template/arguments.h"
#include "runtime/serving/template/methods.h"
#include "runtime/serving/template/runtime.h"
#include "runtime/serving/template/sort.h"

namespace hearth::serving {
namespace {

Error FixedTuple(std::string_view method) {
  return TemplateError(method, ": a tuple cannot be changed");
}

// Where `value` is in the list; its size where it is not.
Result<size_t> IndexOf(Runtime& runtime, const List& list, const Value& value) {
  for (size_t i = 0; i < list.items.size(); ++i) {
    HEARTH_TRY(const bool same, AreEqual(list.items[i], value, runtime.budget()));
    if (same) return i;
  }
  return list.items.size();
}

Result<Value> Append(Runtime&, const Value& self, Arguments arguments) {
  HEARTH_TRY(const auto bound, BoundArguments::Bind("append", std::move(arguments), {"object"}, 1));
  if (self.AsList()->is_tuple) return FixedTuple("append");
  self.AsList()->items.push_back(bound[0]);
  return Value();
}

Result<Value> Extend(Runtime& runtime, const Value& self, Arguments arguments) {
  HEARTH_TRY(const auto bound,
             BoundArguments::Bind("extend", std::move(arguments), {"iterable"}, 1));
  if (self.AsList()->is_tuple) return FixedTuple("extend");
  HEARTH_TRY(const std::vector<Value> more, runtime.Iterate(bound[0]));
  self.AsList()->items.insert(self.AsList()->items.end(), more.begin(), more.end());
  return Value();
}

Result<Value> Insert(Runtime& runtime, const Value& self, Arguments arguments) {
  HEARTH_TRY(const auto bound,
             BoundArguments::Bind("insert", std::move(arguments), {"index", "object"}, 2));
  if (self.AsList()->is_tuple) return FixedTuple("insert");
  auto& items = self.AsList()->items;
  HEARTH_CHECK_OK(runtime.budget().Spend(items.size() / 8));
  HEARTH_TRY(int64_t index, bound.IntegerOr(0, 0));
  const auto size = static_cast<int64_t>(items.size());
  if (index < 0) index += size;
  items.insert(items.begin() + std::clamp<int64_t>(index, 0, size), bound[1]);
  return Value();
}

Result<Value> PopItem(Runtime& runtime, const Value& self, Arguments arguments) {
  HEARTH_TRY(const auto bound, BoundArguments::Bind("pop", std::move(arguments), {"index"}));
  if (self.AsList()->is_tuple) return FixedTuple("pop");
  auto& items = self.AsList()->items;
  HEARTH_CHECK_OK(runtime.budget().Spend(items.size() / 8));
  HEARTH_TRY(int64_t index, bound.IntegerOr(0, -1));
  const auto size = static_cast<int64_t>(items.size());
  if (index < 0) index += size;
  if (index < 0 || index >= size) return TemplateError("pop: the list has no such element");
  Value item = items[static_cast<size_t>(index)];
  items.erase(items.begin() + index);
  return item;
}

Result<Value> Remove(Runtime& runtime, const Value& self, Arguments arguments) {
  HEARTH_TRY(const auto bound, BoundArguments::Bind("remove", std::move(arguments), {"value"}, 1));
  if (self.AsList()->is_tuple) return FixedTuple("remove");
  auto& items = self.AsList()->items;
  HEARTH_TRY(const size_t index, IndexOf(runtime, *self.AsList(), bound[0]));
  if (index == items.size()) return TemplateError("remove: the list has no such element");
  items.erase(items.begin() + static_cast<std::ptrdiff_t>(index));
  return Value();
}

Result<Value> Index(Runtime& runtime, const Value& self, Arguments arguments) {
  HEARTH_TRY(const auto bound, BoundArguments::Bind("index", std::move(arguments), {"value"}, 1));
  HEARTH_TRY(const size_t index, IndexOf(runtime, *self.AsList(), bound[0]));
  if (index == self.AsList()->items.size())
    return TemplateError("index: the list has no such element");
  return Value(static_cast<int64_t>(index));
}

Result<Value> Count(Runtime& runtime, const Value& self, Arguments arguments) {
  HEARTH_TRY(const auto bound, BoundArguments::Bind("count", std::move(arguments), {"value"}, 1));
  int64_t count = 0;
  for (const Value& item : self.AsList()->items) {
    HEARTH_TRY(const bool same, AreEqual(item, bound[0], runtime.budget()));
    count += same ? 1 : 0;
  }
  return Value(count);
}

Result<Value> Reverse(Runtime& runtime, const Value& self, Arguments arguments) {
  HEARTH_CHECK_OK(BoundArguments::Check("reverse", std::move(arguments)));
  if (self.AsList()->is_tuple) return FixedTuple("reverse");
  auto& items = self.AsList()->items;
  HEARTH_CHECK_OK(runtime.budget().Spend(items.size() / 8));
  std::reverse(items.begin(), items.end());
  return Value();
}

Result<Value> Sort(Runtime& runtime, const Value& self, Arguments arguments) {
  HEARTH_TRY(const auto bound, BoundArguments::Bind("sort", std::move(arguments), {"reverse"}));
  if (self.AsList()->is_tuple) return FixedTuple("sort");
  auto& items = self.AsList()->items;
  HEARTH_TRY(const std::vector<size_t> order,
             SortedOrder(items, bound.IsTrueOr(0, false), runtime.budget()));
  std::vector<Value> sorted;
  for (const size_t i : order) sorted.push_back(items[i]);
  items = std::move(sorted);
  return Value();
}

Result<Value> CopyList(Runtime& runtime, const Value& self, Arguments arguments) {
  HEARTH_CHECK_OK(BoundArguments::Check("copy", std::move(arguments)));
  HEARTH_CHECK_OK(runtime.budget().Spend(self.AsList()->items.size()));
  return Value(runtime.heap().NewList(self.AsList()->items, self.AsList()->is_tuple));
}

Result<Value> ClearList(Runtime&, const Value& self, Arguments arguments) {
  HEARTH_CHECK_OK(BoundArguments::Check("clear", std::move(arguments)));
  if (self.AsList()->is_tuple) return FixedTuple("clear");
  self.AsList()->items.clear();
  return Value();
}

Result<Value> Get(Runtime& runtime, const Value& self, Arguments arguments) {
  HEARTH_TRY(const auto bound,
             BoundArguments::Bind("get", std::move(arguments), {"key", "default"}, 1));
  HEARTH_CHECK_OK(runtime.budget().Spend(self.AsDict()->members.size() / 8));
  if (const Value* const found = self.AsDict()->Find(bound[0])) return *found;
  return bound.Find(1) == nullptr ? Value() : bound[1];
}

enum class Part { kKeys, kValues, kItems };

template <Part kPart>
Result<Value> Parts(Runtime& runtime, const Value& self, Arguments arguments) {
  HEARTH_CHECK_OK(BoundArguments::Check("keys, values, items", std::move(arguments)));
  List* const list = runtime.heap().NewList();
  for (const auto& [key, value] : self.AsDict()->members) {
    HEARTH_CHECK_OK(runtime.budget().Spend(4));
    if (kPart == Part::kKeys) list->items.push_back(key);
    if (kPart == Part::kValues) list->items.push_back(value);
    if (kPart == Part::kItems) list->items.emplace_back(runtime.heap().NewList({key, value}, true));
  }
  return Value(list);
}

Result<Value> PopMember(Runtime& runtime, const Value& self, Arguments arguments) {
  HEARTH_TRY(const auto bound,
             BoundArguments::Bind("pop", std::move(arguments), {"key", "default"}, 1));
  auto& members = self.AsDict()->members;
  HEARTH_CHECK_OK(runtime.budget().Spend(members.size() / 8));
  if (const Value* const found = self.AsDict()->Find(bound[0])) {
    Value value = *found;
    members.erase(std::find_if(members.begin(), members.end(),
                               [&](const auto& m) { return &m.second == found; }));
    return value;
  }
  if (bound.Find(1) == nullptr) return TemplateError("pop: the dict has no such key");
  return bound[1];
}

Status SetMember(Runtime& runtime, Dict& dict, const Value& key, const Value& value) {
  if (!IsKey(key)) return TemplateError("a value of type ", TypeName(key), " cannot be a key");
  HEARTH_CHECK_OK(runtime.budget().Spend(1 + dict.members.size() / 8));
  dict.Set(key, value);
  return {};
}

Result<Value> SetDefault(Runtime& runtime, const Value& self, Arguments arguments) {
  HEARTH_TRY(const auto bound,
             BoundArguments::Bind("setdefault", std::move(arguments), {"key", "default"}, 1));
  if (const Value* const found = self.AsDict()->Find(bound[0])) return *found;
  const Value value = bound.Find(1) == nullptr ? Value() : bound[1];
  HEARTH_CHECK_OK(SetMember(runtime, *self.AsDict(), bound[0], value));
  return value;
}

Result<Value> Update(Runtime& runtime, const Value& self, Arguments arguments) {
  for (const Value& source : arguments.positional) {
    const Dict* const other = source.AsDict();
    if (other == nullptr)
      return TemplateError("update: a dict is expected, not ", TypeName(source));
    const auto members = other->members;  // it may be the same dict
    for (const auto& [key, value] : members)
      HEARTH_CHECK_OK(SetMember(runtime, *self.AsDict(), key, value));
  }
  for (const auto& [name, value] : arguments.named) {
    HEARTH_CHECK_OK(
        SetMember(runtime, *self.AsDict(), TracedString(name, Origin::kTemplate), value));
  }
  return Value();
}

Result<Value> CopyDict(Runtime& runtime, const Value& self, Arguments arguments) {
  HEARTH_CHECK_OK(BoundArguments::Check("copy", std::move(arguments)));
  HEARTH_CHECK_OK(runtime.budget().Spend(self.AsDict()->members.size()));
  Dict* const copy = runtime.heap().NewDict();
  copy->members = self.AsDict()->members;
  return Value(copy);
}

Result<Value> ClearDict(Runtime&, const Value& self, Arguments arguments) {
  HEARTH_CHECK_OK(BoundArguments::Check("clear", std::move(arguments)));
  self.AsDict()->members.clear();
  return Value();
}

using Method = std::pair<std::string_view, MethodFunction>;

template <size_t N>
MethodFunction FindIn(const Method (&methods)[N], std::string_view name) {
  for (const auto& [candidate, method] : methods) {
    if (candidate == name) return method;
  }
  return nullptr;
}

}  // namespace

MethodFunction FindListMethod(std::string_view name) {
  static constexpr Method kMethods[] = {
      {"append", Append},   {"extend", Extend}, {"insert", Insert},  {"pop", PopItem},
      {"remove", Remove},   {"index", Index},   {"count", Count},    {"sort", Sort},
      {"reverse", Reverse}, {"copy", CopyList}, {"clear", ClearList}};
  return FindIn(kMethods, name);
}

MethodFunction FindDictMethod(std::string_view name) {
  static constexpr Method kMethods[] = {{"get", Get},
                                        {"keys", Parts<Part::kKeys>},
                                        {"values", Parts<Part::kValues>},
                                        {"items", Parts<Part::kItems>},
                                        {"pop", PopMember},
                                        {"setdefault", SetDefault},
                                        {"update", Update},
                                        {"copy", CopyDict},
                                        {"clear", ClearDict}};
  return FindIn(kMethods, name);
}

}  // namespace hearth::serving
