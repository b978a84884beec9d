#include "runtime/serving/template/value_json.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

#include "runtime/base/unicode.h"
#include "runtime/serving/template/value_text.h"

namespace hearth::serving {
namespace {

constexpr int kMaxDepth = 100;

Error TooDeep() {
  return MakeError(ErrorCode::kResourceExhausted, "a value nests deeper than ", kMaxDepth);
}

std::string Escape(char32_t c) {
  switch (c) {
    case '"':
      return "\\\"";
    case '\\':
      return "\\\\";
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    case '\f':
      return "\\f";
    case '\b':
      return "\\b";
    default:
      break;
  }
  char text[16];
  if (c < 0x10000) {
    std::snprintf(text, sizeof(text), "\\u%04x", static_cast<unsigned>(c));
  } else {
    const auto rest = static_cast<unsigned>(c - 0x10000);
    std::snprintf(text, sizeof(text), "\\u%04x\\u%04x", 0xd800 + (rest >> 10),
                  0xdc00 + (rest & 0x3ff));
  }
  return text;
}

Status AppendQuoted(const TracedString& text, const JsonStyle& style, Budget& budget,
                    TracedString& out) {
  HEARTH_CHECK_OK(budget.SpendString(text.size() + 2));
  out.Append("\"", Origin::kData);
  std::string_view rest = text.view();
  size_t plain = 0;  // where the bytes begin that need no escape
  while (!rest.empty()) {
    const size_t begin = text.size() - rest.size();
    const char32_t c = TakeCodePoint(rest);
    const bool escaped = c < 0x20 || c == '"' || c == '\\' || (style.ensure_ascii && c > '~');
    if (!escaped) continue;
    out.Append(text, plain, begin);
    out.Append(Escape(c), Origin::kData);
    plain = text.size() - rest.size();
  }
  out.Append(text, plain, text.size());
  out.Append("\"", Origin::kData);
  return {};
}

std::string NumberText(double number) {
  if (std::isnan(number)) return "NaN";
  if (std::isinf(number)) return number < 0 ? "-Infinity" : "Infinity";
  return FloatText(number);
}

// A constant or a number; nullopt for what is neither.
std::optional<std::string> ScalarText(const Value& value) {
  if (value.IsNone()) return "null";
  if (const bool* truth = value.AsBool()) return *truth ? "true" : "false";
  if (const int64_t* number = value.AsInt()) return std::to_string(*number);
  if (const double* number = value.AsFloat()) return NumberText(*number);
  return std::nullopt;
}

void AppendBreak(const JsonStyle& style, int depth, TracedString& out) {
  if (style.indent < 0) return;
  out.Append("\n" + std::string(static_cast<size_t>(style.indent * depth), ' '), Origin::kData);
}

Status AppendArray(const List& list, const JsonStyle& style, Budget& budget, TracedString& out,
                   int depth) {
  out.Append("[", Origin::kData);
  for (size_t i = 0; i < list.items.size(); ++i) {
    if (i != 0) out.Append(style.item_separator, Origin::kData);
    AppendBreak(style, depth + 1, out);
    HEARTH_CHECK_OK(AppendJson(list.items[i], style, budget, out, depth + 1));
  }
  if (!list.items.empty()) AppendBreak(style, depth, out);
  out.Append("]", Origin::kData);
  return {};
}

Status AppendKey(const Value& key, const JsonStyle& style, Budget& budget, TracedString& out) {
  if (const auto* text = key.AsString()) return AppendQuoted(*text, style, budget, out);
  const auto text = ScalarText(key);
  if (!text) {
    return MakeError(ErrorCode::kInvalidArgument, "tojson: a key of type ", TypeName(key),
                     " is not possible");
  }
  out.Append("\"" + *text + "\"", Origin::kData);
  return {};
}

Status AppendObject(const Dict& dict, const JsonStyle& style, Budget& budget, TracedString& out,
                    int depth) {
  std::vector<const std::pair<Value, Value>*> members;
  for (const auto& member : dict.members) members.push_back(&member);
  if (style.sort_keys) {
    for (const auto* member : members) {
      if (!member->first.IsString()) {
        return MakeError(ErrorCode::kInvalidArgument, "tojson: only string keys can be sorted");
      }
    }
    std::stable_sort(members.begin(), members.end(), [](const auto* a, const auto* b) {
      return a->first.AsString()->view() < b->first.AsString()->view();
    });
  }
  out.Append("{", Origin::kData);
  for (size_t i = 0; i < members.size(); ++i) {
    if (i != 0) out.Append(style.item_separator, Origin::kData);
    AppendBreak(style, depth + 1, out);
    HEARTH_CHECK_OK(AppendKey(members[i]->first, style, budget, out));
    out.Append(style.key_separator, Origin::kData);
    HEARTH_CHECK_OK(AppendJson(members[i]->second, style, budget, out, depth + 1));
  }
  if (!members.empty()) AppendBreak(style, depth, out);
  out.Append("}", Origin::kData);
  return {};
}

}  // namespace

Result<Value> FromJson(const Json& json, Heap& heap, Budget& budget, int depth) {
  if (depth > kMaxDepth) return TooDeep();
  HEARTH_CHECK_OK(budget.Spend());
  switch (json.type()) {
    case Json::value_t::boolean:
      return Value(json.get<bool>());
    case Json::value_t::number_integer:
      return Value(json.get<int64_t>());
    case Json::value_t::number_unsigned: {
      const auto number = json.get<uint64_t>();
      constexpr auto kMost = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
      return number <= kMost ? Value(static_cast<int64_t>(number))
                             : Value(static_cast<double>(number));
    }
    case Json::value_t::number_float:
      return Value(json.get<double>());
    case Json::value_t::string:
      return DataString(json.get_ref<const std::string&>());
    case Json::value_t::array: {
      List* const list = heap.NewList();
      for (const Json& item : json) {
        HEARTH_TRY(Value value, FromJson(item, heap, budget, depth + 1));
        list->items.push_back(std::move(value));
      }
      return Value(list);
    }
    case Json::value_t::object: {
      Dict* const dict = heap.NewDict();
      for (const auto& member : json.items()) {
        HEARTH_TRY(Value value, FromJson(member.value(), heap, budget, depth + 1));
        dict->members.emplace_back(DataString(member.key()), std::move(value));
      }
      return Value(dict);
    }
    default:
      return Value();
  }
}

Status AppendJson(const Value& value, const JsonStyle& style, Budget& budget, TracedString& out,
                  int depth) {
  if (depth > kMaxDepth) return TooDeep();
  HEARTH_CHECK_OK(budget.Spend());
  if (out.size() > budget.limits().max_output_bytes)
    HEARTH_CHECK_OK(budget.SpendString(out.size()));
  if (const auto* text = value.AsString()) return AppendQuoted(*text, style, budget, out);
  if (const auto* list = value.AsList()) return AppendArray(*list, style, budget, out, depth);
  if (const auto* dict = value.AsDict()) return AppendObject(*dict, style, budget, out, depth);
  const auto text = ScalarText(value);
  if (!text) {
    return MakeError(ErrorCode::kInvalidArgument, "tojson: a value of type ", TypeName(value),
                     " has no JSON form");
  }
  out.Append(*text, Origin::kData);
  return {};
}

}  // namespace hearth::serving
