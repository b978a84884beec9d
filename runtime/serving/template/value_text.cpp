#include "runtime/serving/template/value_text.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "runtime/base/unicode.h"

namespace hearth::serving {
namespace {

constexpr int kMaxReprDepth = 64;

bool IsPrintable(char32_t c) {
  if (c < 0x20 || (c >= 0x7f && c < 0xa1)) return false;
  if (c < 0x300) return c != 0xad;
  const bool format = (c >= 0x200b && c <= 0x200f) || (c >= 0x202a && c <= 0x202e) ||
                      (c >= 0x2060 && c <= 0x206f) || c == 0xfeff;
  return !format && !IsSpace(c) && !(c >= 0xe000 && c <= 0xf8ff) && c < 0xe0000;
}

std::string Escaped(char32_t c) {
  switch (c) {
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    default:
      break;
  }
  char text[16];
  std::snprintf(text, sizeof(text),
                c < 0x100     ? "\\x%02x"
                : c < 0x10000 ? "\\u%04x"
                              : "\\U%08x",
                static_cast<unsigned>(c));
  return text;
}

Status AppendStringRepr(const TracedString& text, Budget& budget, TracedString& out) {
  HEARTH_CHECK_OK(budget.SpendString(text.size() + 2));
  const bool has_single = text.view().find('\'') != std::string_view::npos;
  const bool has_double = text.view().find('"') != std::string_view::npos;
  const char quote = has_single && !has_double ? '"' : '\'';
  out.Append({&quote, 1}, Origin::kData);
  std::string_view rest = text.view();
  while (!rest.empty()) {
    const size_t begin = text.size() - rest.size();
    const char32_t c = TakeCodePoint(rest);
    if (c == static_cast<char32_t>(quote) || c == '\\') {
      out.Append("\\", Origin::kData);
      out.Append(text, begin, text.size() - rest.size());
    } else if (IsPrintable(c)) {
      out.Append(text, begin, text.size() - rest.size());
    } else {
      out.Append(Escaped(c), Origin::kData);
    }
  }
  out.Append({&quote, 1}, Origin::kData);
  return {};
}

Status AppendListRepr(const List& list, Budget& budget, TracedString& out, int depth) {
  out.Append(list.is_tuple ? "(" : "[", Origin::kData);
  for (size_t i = 0; i < list.items.size(); ++i) {
    if (i != 0) out.Append(", ", Origin::kData);
    HEARTH_CHECK_OK(AppendRepr(list.items[i], budget, out, depth + 1));
  }
  if (list.is_tuple && list.items.size() == 1) out.Append(",", Origin::kData);
  out.Append(list.is_tuple ? ")" : "]", Origin::kData);
  return {};
}

Status AppendDictRepr(const Dict& dict, Budget& budget, TracedString& out, int depth) {
  out.Append(dict.is_namespace ? "<Namespace {" : "{", Origin::kData);
  bool first = true;
  for (const auto& [key, value] : dict.members) {
    if (!first) out.Append(", ", Origin::kData);
    first = false;
    HEARTH_CHECK_OK(AppendRepr(key, budget, out, depth + 1));
    out.Append(": ", Origin::kData);
    HEARTH_CHECK_OK(AppendRepr(value, budget, out, depth + 1));
  }
  out.Append(dict.is_namespace ? "}>" : "}", Origin::kData);
  return {};
}

}  // namespace

std::string FloatText(double number) {
  if (std::isnan(number)) return "nan";
  if (std::isinf(number)) return number < 0 ? "-inf" : "inf";
  char buffer[40];
  const auto end =
      std::to_chars(buffer, buffer + sizeof(buffer), number, std::chars_format::scientific);
  const std::string scientific(buffer, end.ptr);
  const size_t mark = scientific.find('e');
  const int exponent = std::atoi(scientific.c_str() + mark + 1);
  if (exponent < -4 || exponent >= 16) return scientific;
  const auto fixed =
      std::to_chars(buffer, buffer + sizeof(buffer), number, std::chars_format::fixed);
  std::string text(buffer, fixed.ptr);
  if (text.find('.') == std::string::npos) text += ".0";
  return text;
}

Status AppendRepr(const Value& value, Budget& budget, TracedString& out, int depth) {
  if (depth > kMaxReprDepth) {
    return MakeError(ErrorCode::kResourceExhausted, "a value nests deeper than ", kMaxReprDepth);
  }
  HEARTH_CHECK_OK(budget.Spend());
  HEARTH_CHECK_OK(
      budget.SpendString(out.size() > budget.limits().max_output_bytes ? out.size() : 0));
  if (const auto* text = value.AsString()) return AppendStringRepr(*text, budget, out);
  if (const auto* list = value.AsList()) return AppendListRepr(*list, budget, out, depth);
  if (const auto* dict = value.AsDict()) return AppendDictRepr(*dict, budget, out, depth);
  if (value.IsUndefined()) {
    out.Append("Undefined", Origin::kData);
  } else if (value.IsNone()) {
    out.Append("None", Origin::kData);
  } else if (const bool* truth = value.AsBool()) {
    out.Append(*truth ? "True" : "False", Origin::kData);
  } else if (const int64_t* number = value.AsInt()) {
    out.Append(std::to_string(*number), Origin::kData);
  } else if (const double* real = value.AsFloat()) {
    out.Append(FloatText(*real), Origin::kData);
  } else {
    out.Append(Concat("<", value.AsObject()->type(), ">"), Origin::kData);
  }
  return {};
}

Result<StringPtr> ToText(const Value& value, Budget& budget) {
  static const auto empty = std::make_shared<const TracedString>();
  if (value.IsString()) return *value.SharedString();
  if (value.IsUndefined()) return empty;
  TracedString text;
  HEARTH_CHECK_OK(AppendRepr(value, budget, text));
  return std::make_shared<const TracedString>(std::move(text));
}

}  // namespace hearth::serving
