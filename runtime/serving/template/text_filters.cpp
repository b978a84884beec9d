// Filters that make texts of texts. Other values are printed first, as Jinja does.
#include <utility>

#include "runtime/base/unicode.h"
#include "runtime/serving/template/arguments.h"
#include "runtime/serving/template/filter_groups.h"
#include "runtime/serving/template/letters.h"
#include "runtime/serving/template/methods.h"
#include "runtime/serving/template/runtime.h"
#include "runtime/serving/template/text_format.h"
#include "runtime/serving/template/text_operations.h"

namespace hearth::serving {
namespace {

Result<Value> Map(Runtime& runtime, const Value& input, const CharacterMap& append) {
  HEARTH_TRY(const StringPtr text, ToText(input, runtime.budget()));
  HEARTH_TRY(TracedString mapped, MapText(*text, append, runtime.budget()));
  return Value(std::move(mapped));
}

Result<Value> Upper(Runtime& runtime, const Value& input, Arguments arguments) {
  HEARTH_CHECK_OK(BoundArguments::Check("upper", std::move(arguments)));
  return Map(runtime, input, [](char32_t c, bool, std::string& out) { AppendUpper(c, out); });
}

Result<Value> Lower(Runtime& runtime, const Value& input, Arguments arguments) {
  HEARTH_CHECK_OK(BoundArguments::Check("lower", std::move(arguments)));
  return Map(runtime, input, [](char32_t c, bool, std::string& out) { AppendLower(c, out); });
}

Result<Value> Capitalize(Runtime& runtime, const Value& input, Arguments arguments) {
  HEARTH_CHECK_OK(BoundArguments::Check("capitalize", std::move(arguments)));
  bool first = true;
  return Map(runtime, input, [&first](char32_t c, bool, std::string& out) {
    AppendTitle(c, !std::exchange(first, false), out);
  });
}

// Unlike the method, the filter begins words after white space, hyphens and opening brackets alone.
Result<Value> Title(Runtime& runtime, const Value& input, Arguments arguments) {
  HEARTH_CHECK_OK(BoundArguments::Check("title", std::move(arguments)));
  bool begins = true;
  return Map(runtime, input, [&begins](char32_t c, bool, std::string& out) {
    const bool separates = IsSpace(c) || c == '-' || c == '(' || c == '{' || c == '[' || c == '<';
    AppendTitle(c, !begins, out);
    begins = separates;
  });
}

Result<Value> Trim(Runtime& runtime, const Value& input, Arguments arguments) {
  HEARTH_TRY(const auto bound, BoundArguments::Bind("trim", std::move(arguments), {"chars"}));
  HEARTH_TRY(const TracedString* set, bound.StringOr(0, nullptr));
  HEARTH_TRY(const StringPtr text, ToText(input, runtime.budget()));
  return Value(StripText(*text, set, true, true));
}

Result<Value> Replace(Runtime& runtime, const Value& input, Arguments arguments) {
  HEARTH_TRY(const auto bound,
             BoundArguments::Bind("replace", std::move(arguments), {"old", "new", "count"}, 2));
  HEARTH_TRY(const StringPtr text, ToText(input, runtime.budget()));
  HEARTH_TRY(const StringPtr from, ToText(bound[0], runtime.budget()));
  HEARTH_TRY(const StringPtr to, ToText(bound[1], runtime.budget()));
  HEARTH_TRY(const int64_t most, bound.IntegerOr(2, -1));
  HEARTH_TRY(TracedString replaced, ReplaceText(*text, *from, *to, most, runtime.budget()));
  return Value(std::move(replaced));
}

// Every line but the first (unless `first`) is moved in; empty lines only where `blank`.
Result<Value> Indent(Runtime& runtime, const Value& input, Arguments arguments) {
  HEARTH_TRY(const auto bound,
             BoundArguments::Bind("indent", std::move(arguments), {"width", "first", "blank"}));
  HEARTH_TRY(const StringPtr text, ToText(input, runtime.budget()));
  TracedString margin;
  if (bound.Find(0) != nullptr && bound[0].IsString()) {
    margin = *bound[0].AsString();
  } else {
    HEARTH_TRY(const int64_t width, bound.IntegerOr(0, 4));
    HEARTH_TRY(margin, PadText(TracedString(), width, TracedString(" ", Origin::kData), true, false,
                               runtime.budget()));
  }
  TracedString out;
  for (size_t begin = 0, line = 0; begin <= text->size(); ++line) {
    const size_t end = std::min(text->view().find('\n', begin), text->size());
    const bool moved =
        line == 0 ? bound.IsTrueOr(1, false) : end > begin || bound.IsTrueOr(2, false);
    if (moved) out.Append(margin);
    out.Append(*text, begin, std::min(end + 1, text->size()));
    HEARTH_CHECK_OK(runtime.budget().SpendString(
        out.size() > runtime.budget().limits().max_output_bytes ? out.size() : end - begin));
    begin = end + 1;
  }
  return Value(std::move(out));
}

Result<Value> Center(Runtime& runtime, const Value& input, Arguments arguments) {
  HEARTH_TRY(const auto bound, BoundArguments::Bind("center", std::move(arguments), {"width"}));
  HEARTH_TRY(const StringPtr text, ToText(input, runtime.budget()));
  HEARTH_TRY(const int64_t width, bound.IntegerOr(0, 80));
  HEARTH_TRY(TracedString out,
             PadText(*text, width, TracedString(" ", Origin::kData), true, true, runtime.budget()));
  return Value(std::move(out));
}

Result<Value> Truncate(Runtime& runtime, const Value& input, Arguments arguments) {
  HEARTH_TRY(const auto bound, BoundArguments::Bind("truncate", std::move(arguments),
                                                    {"length", "killwords", "end", "leeway"}));
  const TracedString dots("...", Origin::kData);
  HEARTH_TRY(const StringPtr text, ToText(input, runtime.budget()));
  HEARTH_TRY(const int64_t length, bound.IntegerOr(0, 255));
  HEARTH_TRY(const TracedString* end, bound.StringOr(2, &dots));
  HEARTH_TRY(const int64_t leeway, bound.IntegerOr(3, 5));
  const auto end_size = static_cast<int64_t>(CountCodePoints(end->view()));
  if (length < end_size || leeway < 0) return TemplateError("truncate: the length is too small");
  if (static_cast<int64_t>(CountCodePoints(text->view())) <= length + leeway) return Value(text);
  HEARTH_TRY(TracedString cut, SliceText(*text, 0, length - end_size, 1, runtime.budget()));
  if (!bound.IsTrueOr(1, false)) {
    const size_t space = cut.view().rfind(' ');
    if (space != std::string_view::npos) cut = cut.Slice(0, space);
  }
  cut.Append(*end);
  return Value(std::move(cut));
}

Result<Value> Format(Runtime& runtime, const Value& input, Arguments arguments) {
  HEARTH_TRY(const StringPtr text, ToText(input, runtime.budget()));
  if (!arguments.named.empty()) {
    Dict* const dict = runtime.heap().NewDict();
    for (auto& [name, value] : arguments.named)
      dict->Set(TracedString(name, Origin::kTemplate), std::move(value));
    return FormatPercent(runtime, *text, Value(dict));
  }
  return FormatPercent(runtime, *text,
                       Value(runtime.heap().NewList(std::move(arguments.positional), true)));
}

Result<Value> Text(Runtime& runtime, const Value& input, Arguments arguments) {
  HEARTH_CHECK_OK(BoundArguments::Check("string and safe", std::move(arguments)));
  HEARTH_TRY(StringPtr text, ToText(input, runtime.budget()));
  return Value(std::move(text));
}

Result<Value> EscapeHtml(Runtime& runtime, const Value& input, Arguments arguments) {
  HEARTH_CHECK_OK(BoundArguments::Check("escape", std::move(arguments)));
  return Map(runtime, input, [](char32_t c, bool, std::string& out) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&#34;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        AppendUtf8(out, c);
    }
  });
}

Result<Value> WordCount(Runtime& runtime, const Value& input, Arguments arguments) {
  HEARTH_CHECK_OK(BoundArguments::Check("wordcount", std::move(arguments)));
  HEARTH_TRY(const StringPtr text, ToText(input, runtime.budget()));
  int64_t words = 0;
  bool in_word = false;
  for (std::string_view rest = text->view(); !rest.empty();) {
    const char32_t c = TakeCodePoint(rest);
    const bool is_word = c == '_' || IsAlpha(c) || IsNumeric(c);
    words += is_word && !in_word ? 1 : 0;
    in_word = is_word;
  }
  return Value(words);
}

}  // namespace

std::span<const NamedFilter> TextFilters() {
  static constexpr NamedFilter kFilters[] = {
      {"upper", Upper},         {"lower", Lower},   {"capitalize", Capitalize},
      {"title", Title},         {"trim", Trim},     {"replace", Replace},
      {"indent", Indent},       {"center", Center}, {"truncate", Truncate},
      {"format", Format},       {"string", Text},   {"safe", Text},
      {"escape", EscapeHtml},   {"e", EscapeHtml},  {"forceescape", EscapeHtml},
      {"wordcount", WordCount},
  };
  return kFilters;
}

}  // namespace hearth::serving
