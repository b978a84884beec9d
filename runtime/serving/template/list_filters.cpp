// Filters over sequences.
#include <algorithm>
#include <utility>

#include "runtime/base/unicode.h"
#include "runtime/serving/template/arguments.h"
#include "runtime/serving/template/filter_groups.h"
#include "runtime/serving/template/methods.h"
#include "runtime/serving/template/operators.h"
#include "runtime/serving/template/runtime.h"
#include "runtime/serving/template/sort.h"
#include "runtime/serving/template/text_operations.h"
#include "runtime/serving/template/value_tests.h"

namespace hearth::serving {
namespace {

Value NewList(Runtime& runtime, std::vector<Value> items) {
  return runtime.heap().NewList(std::move(items));
}

// What "attribute" arguments name: "a.b.0" is item["a"]["b"][0]; a number is one index.
Result<Value> Lookup(Runtime& runtime, Value item, const Value& path) {
  if (path.AsInteger()) return runtime.GetItem(item, path);
  const TracedString* const text = path.AsString();
  if (text == nullptr)
    return TemplateError("an attribute must be a string or an integer, not ", TypeName(path));
  for (std::string_view rest = text->view(); !rest.empty();) {
    const size_t dot = std::min(rest.find('.'), rest.size());
    const std::string_view part = rest.substr(0, dot);
    const bool is_index = !part.empty() && part.size() < 10 &&
                          part.find_first_not_of("0123456789") == std::string_view::npos;
    const Value key =
        is_index ? Value(static_cast<int64_t>(std::stoll(std::string(part)))) : DataString(part);
    HEARTH_TRY(item, runtime.GetItem(item, key));
    rest.remove_prefix(std::min(dot + 1, rest.size()));
  }
  return item;
}

// Each item, or its attribute where one is named.
Result<std::vector<Value>> Keys(Runtime& runtime, const std::vector<Value>& items,
                                const Value* attribute, bool case_sensitive) {
  std::vector<Value> keys;
  for (const Value& item : items) {
    Value key = item;
    if (attribute != nullptr && !attribute->IsNone()) {
      HEARTH_TRY(key, Lookup(runtime, item, *attribute));
    }
    if (!case_sensitive) {
      HEARTH_TRY(key, CaselessKey(key, runtime.budget()));
    }
    keys.push_back(std::move(key));
  }
  return keys;
}

Result<Value> Length(Runtime& runtime, const Value& input, Arguments arguments) {
  HEARTH_CHECK_OK(BoundArguments::Check("length", std::move(arguments)));
  size_t size = 0;
  if (const TracedString* const text = input.AsString()) {
    HEARTH_CHECK_OK(runtime.budget().Spend(text->size() / 64));
    size = CountCodePoints(text->view());
  } else if (const List* const list = input.AsList()) {
    size = list->items.size();
  } else if (const Dict* const dict = input.AsDict()) {
    size = dict->members.size();
  } else if (!input.IsUndefined()) {
    return TemplateError("length: a value of type ", TypeName(input), " has none");
  }
  return Value(static_cast<int64_t>(size));
}

Result<Value> ToList(Runtime& runtime, const Value& input, Arguments arguments) {
  HEARTH_CHECK_OK(BoundArguments::Check("list", std::move(arguments)));
  HEARTH_TRY(std::vector<Value> items, runtime.Iterate(input));
  return NewList(runtime, std::move(items));
}

Result<Value> Items(Runtime& runtime, const Value& input, Arguments arguments) {
  HEARTH_CHECK_OK(BoundArguments::Check("items", std::move(arguments)));
  if (input.IsUndefined()) return NewList(runtime, {});
  if (input.AsDict() == nullptr)
    return TemplateError("items: a dict is expected, not ", TypeName(input));
  return FindDictMethod("items")(runtime, input, {});
}

template <bool kLast>
Result<Value> First(Runtime& runtime, const Value& input, Arguments arguments) {
  HEARTH_CHECK_OK(BoundArguments::Check("first and last", std::move(arguments)));
  if (const List* const list = input.AsList(); list != nullptr && !list->items.empty()) {
    return kLast ? list->items.back() : list->items.front();
  }
  if (input.IsString()) return runtime.GetItem(input, Value(int64_t{kLast ? -1 : 0}));
  HEARTH_TRY(const std::vector<Value> items, runtime.Iterate(input));
  if (items.empty())
    return Value::UndefinedName(kLast ? "the last of nothing" : "the first of nothing");
  return kLast ? items.back() : items.front();
}

Result<Value> Join(Runtime& runtime, const Value& input, Arguments arguments) {
  HEARTH_TRY(const auto bound,
             BoundArguments::Bind("join", std::move(arguments), {"d", "attribute"}));
  HEARTH_TRY(const std::vector<Value> items, runtime.Iterate(input));
  HEARTH_TRY(const std::vector<Value> keys, Keys(runtime, items, bound.Find(1), true));
  StringPtr separator = std::make_shared<const TracedString>();
  if (bound.Find(0) != nullptr) {
    HEARTH_TRY(separator, ToText(bound[0], runtime.budget()));
  }
  std::vector<TracedString> parts;
  for (const Value& key : keys) {
    HEARTH_TRY(const StringPtr text, ToText(key, runtime.budget()));
    HEARTH_CHECK_OK(runtime.budget().SpendString(text->size()));
    parts.push_back(*text);
  }
  HEARTH_TRY(TracedString joined, JoinTexts(parts, *separator, runtime.budget()));
  return Value(std::move(joined));
}

Result<Value> Reverse(Runtime& runtime, const Value& input, Arguments arguments) {
  HEARTH_CHECK_OK(BoundArguments::Check("reverse", std::move(arguments)));
  if (const TracedString* const text = input.AsString()) {
    HEARTH_TRY(TracedString reversed,
               SliceText(*text, std::nullopt, std::nullopt, -1, runtime.budget()));
    return Value(std::move(reversed));
  }
  HEARTH_TRY(std::vector<Value> items, runtime.Iterate(input));
  std::reverse(items.begin(), items.end());
  return NewList(runtime, std::move(items));
}

Result<Value> Sort(Runtime& runtime, const Value& input, Arguments arguments) {
  HEARTH_TRY(const auto bound, BoundArguments::Bind("sort", std::move(arguments),
                                                    {"reverse", "case_sensitive", "attribute"}));
  HEARTH_TRY(const std::vector<Value> items, runtime.Iterate(input));
  HEARTH_TRY(const std::vector<Value> keys,
             Keys(runtime, items, bound.Find(2), bound.IsTrueOr(1, false)));
  HEARTH_TRY(const std::vector<size_t> order,
             SortedOrder(keys, bound.IsTrueOr(0, false), runtime.budget()));
  std::vector<Value> sorted;
  for (const size_t i : order) sorted.push_back(items[i]);
  return NewList(runtime, std::move(sorted));
}

Result<Value> DictSort(Runtime& runtime, const Value& input, Arguments arguments) {
  HEARTH_TRY(const auto bound, BoundArguments::Bind("dictsort", std::move(arguments),
                                                    {"case_sensitive", "by", "reverse"}));
  const TracedString by_key("key", Origin::kData);
  HEARTH_TRY(const TracedString* by, bound.StringOr(1, &by_key));
  if (input.AsDict() == nullptr)
    return TemplateError("dictsort: a dict is expected, not ", TypeName(input));
  if (by->view() != "key" && by->view() != "value")
    return TemplateError("dictsort: by must be 'key' or 'value'");
  HEARTH_TRY(const Value pairs, FindDictMethod("items")(runtime, input, {}));
  const std::vector<Value>& items = pairs.AsList()->items;
  const Value place(int64_t{by->view() == "key" ? 0 : 1});
  HEARTH_TRY(const std::vector<Value> keys, Keys(runtime, items, &place, bound.IsTrueOr(0, false)));
  HEARTH_TRY(const std::vector<size_t> order,
             SortedOrder(keys, bound.IsTrueOr(2, false), runtime.budget()));
  std::vector<Value> sorted;
  for (const size_t i : order) sorted.push_back(items[i]);
  return NewList(runtime, std::move(sorted));
}

template <bool kMost>
Result<Value> Extreme(Runtime& runtime, const Value& input, Arguments arguments) {
  HEARTH_TRY(const auto bound, BoundArguments::Bind("min and max", std::move(arguments),
                                                    {"case_sensitive", "attribute"}));
  HEARTH_TRY(const std::vector<Value> items, runtime.Iterate(input));
  HEARTH_TRY(const std::vector<Value> keys,
             Keys(runtime, items, bound.Find(1), bound.IsTrueOr(0, false)));
  if (items.empty()) return Value::UndefinedName("the least or greatest of nothing");
  size_t best = 0;
  for (size_t i = 1; i < items.size(); ++i) {
    HEARTH_TRY(const int order, Order(keys[i], keys[best], runtime.budget()));
    if (kMost ? order > 0 : order < 0) best = i;
  }
  return items[best];
}

Result<Value> Sum(Runtime& runtime, const Value& input, Arguments arguments) {
  HEARTH_TRY(const auto bound,
             BoundArguments::Bind("sum", std::move(arguments), {"attribute", "start"}));
  HEARTH_TRY(const std::vector<Value> items, runtime.Iterate(input));
  HEARTH_TRY(const std::vector<Value> keys, Keys(runtime, items, bound.Find(0), true));
  Value sum = bound.Find(1) == nullptr ? Value(int64_t{0}) : bound[1];
  for (const Value& key : keys) {
    HEARTH_TRY(sum, ApplyBinary(runtime, BinaryOperator::kAdd, sum, key));
  }
  return sum;
}

Result<Value> Unique(Runtime& runtime, const Value& input, Arguments arguments) {
  HEARTH_TRY(const auto bound,
             BoundArguments::Bind("unique", std::move(arguments), {"case_sensitive", "attribute"}));
  HEARTH_TRY(const std::vector<Value> items, runtime.Iterate(input));
  HEARTH_TRY(const std::vector<Value> keys,
             Keys(runtime, items, bound.Find(1), bound.IsTrueOr(0, false)));
  List seen;
  std::vector<Value> kept;
  for (size_t i = 0; i < items.size(); ++i) {
    HEARTH_TRY(const bool known, Contains(runtime, Value(&seen), keys[i]));
    if (known) continue;
    seen.items.push_back(keys[i]);
    kept.push_back(items[i]);
  }
  return NewList(runtime, std::move(kept));
}

Result<Value> Batch(Runtime& runtime, const Value& input, Arguments arguments) {
  HEARTH_TRY(const auto bound,
             BoundArguments::Bind("batch", std::move(arguments), {"linecount", "fill_with"}, 1));
  HEARTH_TRY(const int64_t size, bound.IntegerOr(0, 0));
  if (size < 1) return TemplateError("batch: the size must be at least 1");
  HEARTH_TRY(const std::vector<Value> items, runtime.Iterate(input));
  std::vector<Value> batches;
  for (size_t begin = 0; begin < items.size(); begin += static_cast<size_t>(size)) {
    const size_t end = std::min(items.size(), begin + static_cast<size_t>(size));
    std::vector<Value> batch(items.begin() + static_cast<std::ptrdiff_t>(begin),
                             items.begin() + static_cast<std::ptrdiff_t>(end));
    if (bound.Find(1) != nullptr && !bound[1].IsNone()) {
      HEARTH_CHECK_OK(runtime.budget().Spend(static_cast<size_t>(size)));
      batch.resize(static_cast<size_t>(size), bound[1]);
    }
    batches.push_back(NewList(runtime, std::move(batch)));
  }
  return NewList(runtime, std::move(batches));
}

Result<Value> GroupBy(Runtime& runtime, const Value& input, Arguments arguments) {
  HEARTH_TRY(const auto bound, BoundArguments::Bind("groupby", std::move(arguments),
                                                    {"attribute", "default", "case_sensitive"}, 1));
  HEARTH_TRY(const std::vector<Value> items, runtime.Iterate(input));
  HEARTH_TRY(std::vector<Value> keys,
             Keys(runtime, items, bound.Find(0), bound.IsTrueOr(2, false)));
  for (Value& key : keys) {
    if (key.IsUndefined() && bound.Find(1) != nullptr) key = bound[1];
  }
  HEARTH_TRY(const std::vector<size_t> order, SortedOrder(keys, false, runtime.budget()));
  std::vector<Value> groups;
  for (size_t i = 0; i < order.size(); ++i) {
    bool same = false;
    if (i != 0) {
      HEARTH_TRY(same, AreEqual(keys[order[i - 1]], keys[order[i]], runtime.budget()));
    }
    if (!same)
      groups.emplace_back(runtime.heap().NewList({keys[order[i]], NewList(runtime, {})}, true));
    groups.back().AsList()->items[1].AsList()->items.push_back(items[order[i]]);
  }
  return NewList(runtime, std::move(groups));
}

// map("filter", arguments…) or map(attribute="name", default=…).
Result<Value> Map(Runtime& runtime, const Value& input, Arguments arguments) {
  HEARTH_TRY(const std::vector<Value> items, runtime.Iterate(input));
  std::vector<Value> mapped;
  if (arguments.positional.empty()) {
    HEARTH_TRY(const auto bound,
               BoundArguments::Bind("map", std::move(arguments), {"attribute", "default"}, 1));
    for (const Value& item : items) {
      HEARTH_TRY(Value value, Lookup(runtime, item, bound[0]));
      mapped.push_back(value.IsUndefined() && bound.Find(1) != nullptr ? bound[1]
                                                                       : std::move(value));
    }
    return NewList(runtime, std::move(mapped));
  }
  const TracedString* const name = arguments.positional[0].AsString();
  const FilterFunction filter = name == nullptr ? nullptr : FindFilter(name->view());
  if (filter == nullptr) return TemplateError("map: there is no such filter");
  const Budget::Level level(runtime.budget());
  HEARTH_CHECK_OK(level.Check());
  arguments.positional.erase(arguments.positional.begin());
  for (const Value& item : items) {
    HEARTH_CHECK_OK(runtime.budget().Spend());
    HEARTH_TRY(Value value, filter(runtime, item, arguments));
    mapped.push_back(std::move(value));
  }
  return NewList(runtime, std::move(mapped));
}

// select("test", arguments…), selectattr("attribute", "test", arguments…): items for which the test
// holds; without a test, those that are true. reject… keeps the others.
template <bool kByAttribute, bool kKeep>
Result<Value> Select(Runtime& runtime, const Value& input, Arguments arguments) {
  HEARTH_TRY(const std::vector<Value> items, runtime.Iterate(input));
  Value attribute;
  auto& given = arguments.positional;
  if (kByAttribute) {
    if (given.empty()) return TemplateError("selectattr and rejectattr: an attribute is expected");
    attribute = given.front();
    given.erase(given.begin());
  }
  TestFunction test = nullptr;
  if (!given.empty()) {
    const TracedString* const name = given.front().AsString();
    test = name == nullptr ? nullptr : FindTest(name->view());
    if (test == nullptr) return TemplateError("select and reject: there is no such test");
    given.erase(given.begin());
  }
  std::vector<Value> kept;
  for (const Value& item : items) {
    HEARTH_CHECK_OK(runtime.budget().Spend());
    Value subject = item;
    if (kByAttribute) {
      HEARTH_TRY(subject, Lookup(runtime, item, attribute));
    }
    bool holds = IsTrue(subject);
    if (test != nullptr) {
      HEARTH_TRY(holds, test(runtime, subject, arguments));
    }
    if (holds == kKeep) kept.push_back(item);
  }
  return NewList(runtime, std::move(kept));
}

}  // namespace

std::span<const NamedFilter> ListFilters() {
  static constexpr NamedFilter kFilters[] = {
      {"length", Length},
      {"count", Length},
      {"list", ToList},
      {"items", Items},
      {"first", First<false>},
      {"last", First<true>},
      {"join", Join},
      {"reverse", Reverse},
      {"sort", Sort},
      {"dictsort", DictSort},
      {"min", Extreme<false>},
      {"max", Extreme<true>},
      {"sum", Sum},
      {"unique", Unique},
      {"batch", Batch},
      {"groupby", GroupBy},
      {"map", Map},
      {"select", Select<false, true>},
      {"reject", Select<false, false>},
      {"selectattr", Select<true, true>},
      {"rejectattr", Select<true, false>},
  };
  return kFilters;
}

}  // namespace hearth::serving
