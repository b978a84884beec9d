#include "runtime/serving/template/value.h"

#include <algorithm>
#include <cmath>

namespace hearth::serving {
namespace {

constexpr int kMaxCompareDepth = 64;

// Compares without going through double where both are integers.
std::optional<int> OrderNumbers(const Value& a, const Value& b) {
  const auto left = a.AsInteger(), right = b.AsInteger();
  if (left && right) return *left < *right ? -1 : *left > *right ? 1 : 0;
  const auto x = a.AsNumber(), y = b.AsNumber();
  if (!x || !y) return std::nullopt;
  return *x < *y ? -1 : *x > *y ? 1 : 0;
}

// Equality of what has no parts.
bool AreSame(const Value& a, const Value& b) {
  if (const auto* text = a.AsString()) {
    const auto* other = b.AsString();
    return other != nullptr && text->view() == other->view();
  }
  if (a.AsNumber() && b.AsNumber()) {
    return !std::isnan(*a.AsNumber()) && !std::isnan(*b.AsNumber()) && *OrderNumbers(a, b) == 0;
  }
  if (a.AsObject() != nullptr) return a.AsObject() == b.AsObject();
  return (a.IsNone() && b.IsNone()) || (a.IsUndefined() && b.IsUndefined());
}

Status CheckDepth(int depth) {
  if (depth <= kMaxCompareDepth) return {};
  return MakeError(ErrorCode::kResourceExhausted, "values to compare nest deeper than ",
                   kMaxCompareDepth);
}

Result<bool> ListsAreEqual(const List& a, const List& b, Budget& budget, int depth) {
  if (a.is_tuple != b.is_tuple || a.items.size() != b.items.size()) return false;
  for (size_t i = 0; i < a.items.size(); ++i) {
    HEARTH_TRY(const bool same, AreEqual(a.items[i], b.items[i], budget, depth + 1));
    if (!same) return false;
  }
  return true;
}

Result<bool> DictsAreEqual(const Dict& a, Dict& b, Budget& budget, int depth) {
  if (a.members.size() != b.members.size()) return false;
  for (const auto& [key, value] : a.members) {
    HEARTH_CHECK_OK(budget.Spend(b.members.size() / 8));
    const Value* const other = b.Find(key);
    if (other == nullptr) return false;
    HEARTH_TRY(const bool same, AreEqual(value, *other, budget, depth + 1));
    if (!same) return false;
  }
  return true;
}

}  // namespace

Value* Dict::Find(const Value& key) {
  const auto found = std::find_if(members.begin(), members.end(),
                                  [&](const auto& member) { return AreSame(member.first, key); });
  return found == members.end() ? nullptr : &found->second;
}

Value* Dict::FindName(std::string_view key) {
  const auto found = std::find_if(members.begin(), members.end(), [&](const auto& member) {
    const TracedString* const text = member.first.AsString();
    return text != nullptr && text->view() == key;
  });
  return found == members.end() ? nullptr : &found->second;
}

void Dict::Set(const Value& key, Value value) {
  if (Value* const old = Find(key)) {
    *old = std::move(value);
  } else {
    members.emplace_back(key, std::move(value));
  }
}

bool IsTrue(const Value& value) {
  if (value.IsUndefined() || value.IsNone()) return false;
  if (const auto number = value.AsNumber()) return *number != 0;
  if (const auto* text = value.AsString()) return !text->empty();
  if (const auto* list = value.AsList()) return !list->items.empty();
  if (const auto* dict = value.AsDict()) return dict->is_namespace || !dict->members.empty();
  return true;
}

bool IsKey(const Value& value) {
  return value.IsString() || value.IsNone() || value.AsNumber().has_value();
}

Result<bool> AreEqual(const Value& a, const Value& b, Budget& budget, int depth) {
  HEARTH_CHECK_OK(CheckDepth(depth));
  HEARTH_CHECK_OK(budget.Spend());
  if (List* const list = a.AsList()) {
    List* const other = b.AsList();
    if (list == other) return true;
    return other == nullptr ? Result<bool>(false) : ListsAreEqual(*list, *other, budget, depth);
  }
  if (Dict* const dict = a.AsDict()) {
    Dict* const other = b.AsDict();
    if (dict == other) return true;
    return other == nullptr ? Result<bool>(false) : DictsAreEqual(*dict, *other, budget, depth);
  }
  return AreSame(a, b);
}

Result<int> Order(const Value& a, const Value& b, Budget& budget, int depth) {
  HEARTH_CHECK_OK(CheckDepth(depth));
  HEARTH_CHECK_OK(budget.Spend());
  if (const auto order = OrderNumbers(a, b)) return *order;
  const auto *text = a.AsString(), *other_text = b.AsString();
  if (text != nullptr && other_text != nullptr) {
    const int order = text->view().compare(other_text->view());
    return order < 0 ? -1 : order > 0 ? 1 : 0;
  }
  const List *list = a.AsList(), *other = b.AsList();
  if (list == nullptr || other == nullptr || list->is_tuple != other->is_tuple) {
    return MakeError(ErrorCode::kInvalidArgument, "values of types ", TypeName(a), " and ",
                     TypeName(b), " have no order");
  }
  for (size_t i = 0; i < list->items.size() && i < other->items.size(); ++i) {
    HEARTH_TRY(const bool same, AreEqual(list->items[i], other->items[i], budget, depth + 1));
    if (!same) return Order(list->items[i], other->items[i], budget, depth + 1);
  }
  return list->items.size() < other->items.size()   ? -1
         : list->items.size() > other->items.size() ? 1
                                                    : 0;
}

std::string_view TypeName(const Value& value) {
  if (value.IsUndefined()) return "Undefined";
  if (value.IsNone()) return "NoneType";
  if (value.AsBool() != nullptr) return "bool";
  if (value.AsInt() != nullptr) return "int";
  if (value.AsFloat() != nullptr) return "float";
  if (value.IsString()) return "str";
  if (const auto* list = value.AsList()) return list->is_tuple ? "tuple" : "list";
  if (const auto* dict = value.AsDict()) return dict->is_namespace ? "Namespace" : "dict";
  return value.AsObject()->type();
}

}  // namespace hearth::serving
