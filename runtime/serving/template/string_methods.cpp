#include <algorithm>
#include <utility>

#include "runtime/base/unicode.h"
#include "runtime/serving/template/arguments.h"
#include "runtime/serving/template/letters.h"
#include "runtime/serving/template/methods.h"
#include "runtime/serving/template/runtime.h"
#include "runtime/serving/template/text_format.h"
#include "runtime/serving/template/text_operations.h"

namespace hearth::serving {
namespace {

const TracedString& Self(const Value& self) { return *self.AsString(); }

template <bool kLeft, bool kRight>
Result<Value> Strip(Runtime&, const Value& self, Arguments arguments) {
  HEARTH_TRY(const auto bound, BoundArguments::Bind("strip", std::move(arguments), {"chars"}));
  HEARTH_TRY(const TracedString* set, bound.StringOr(0, nullptr));
  return Value(StripText(Self(self), set, kLeft, kRight));
}

Result<Value> ListOf(Runtime& runtime, Result<std::vector<TracedString>> pieces) {
  if (!pieces.ok()) return pieces.error();
  List* const list = runtime.heap().NewList();
  for (TracedString& piece : *pieces) list->items.emplace_back(std::move(piece));
  return Value(list);
}

template <bool kFromRight>
Result<Value> Split(Runtime& runtime, const Value& self, Arguments arguments) {
  HEARTH_TRY(const auto bound,
             BoundArguments::Bind("split", std::move(arguments), {"sep", "maxsplit"}));
  HEARTH_TRY(const TracedString* separator, bound.StringOr(0, nullptr));
  HEARTH_TRY(const int64_t most, bound.IntegerOr(1, -1));
  return ListOf(runtime, SplitText(Self(self), separator, most, kFromRight, runtime.budget()));
}

Result<Value> SplitLines(Runtime& runtime, const Value& self, Arguments arguments) {
  HEARTH_TRY(const auto bound,
             BoundArguments::Bind("splitlines", std::move(arguments), {"keepends"}));
  const TracedString& text = Self(self);
  List* const lines = runtime.heap().NewList();
  for (size_t begin = 0; begin < text.size();) {
    HEARTH_CHECK_OK(runtime.budget().Spend(16));
    const size_t end = std::min(text.view().find_first_of("\n\r\v\f", begin), text.size());
    const bool pair = text.view().substr(end, 2) == "\r\n";
    const size_t next = std::min(end + (pair ? 2 : 1), text.size());
    lines->items.emplace_back(text.Slice(begin, bound.IsTrueOr(0, false) ? next : end));
    begin = next;
  }
  return Value(lines);
}

template <bool kFromRight>
Result<Value> Partition(Runtime& runtime, const Value& self, Arguments arguments) {
  HEARTH_TRY(const auto bound, BoundArguments::Bind("partition", std::move(arguments), {"sep"}, 1));
  HEARTH_TRY(const TracedString* separator, bound.StringOr(0, nullptr));
  if (separator == nullptr || separator->empty())
    return TemplateError("partition: the separator is empty");
  const TracedString& text = Self(self);
  const size_t found =
      kFromRight ? text.view().rfind(separator->view()) : text.view().find(separator->view());
  std::vector<Value> parts;
  if (found == std::string_view::npos) {
    parts = {TracedString(), TracedString(), TracedString()};
    parts[kFromRight ? 2 : 0] = self;
  } else {
    const size_t after = found + separator->size();
    parts = {text.Slice(0, found), text.Slice(found, after), text.Slice(after, text.size())};
  }
  return Value(runtime.heap().NewList(std::move(parts), true));
}

Result<Value> Replace(Runtime& runtime, const Value& self, Arguments arguments) {
  HEARTH_TRY(const auto bound,
             BoundArguments::Bind("replace", std::move(arguments), {"old", "new", "count"}, 2));
  HEARTH_TRY(const TracedString* from, bound.StringOr(0, nullptr));
  HEARTH_TRY(const TracedString* to, bound.StringOr(1, nullptr));
  HEARTH_TRY(const int64_t most, bound.IntegerOr(2, -1));
  if (from == nullptr || to == nullptr) return TemplateError("replace: two strings are expected");
  HEARTH_TRY(TracedString replaced, ReplaceText(Self(self), *from, *to, most, runtime.budget()));
  return Value(std::move(replaced));
}

// self.startswith(text, or a tuple of texts).
template <bool kAtEnd>
Result<Value> StartsWith(Runtime&, const Value& self, Arguments arguments) {
  HEARTH_TRY(const auto bound, BoundArguments::Bind(kAtEnd ? "endswith" : "startswith",
                                                    std::move(arguments), {"prefix"}, 1));
  const auto matches = [&](const Value& candidate) {
    const TracedString* const text = candidate.AsString();
    if (text == nullptr) return false;
    return kAtEnd ? Self(self).view().ends_with(text->view())
                  : Self(self).view().starts_with(text->view());
  };
  if (bound[0].IsString()) return Value(matches(bound[0]));
  const List* const tuple = bound[0].AsList();
  if (tuple == nullptr) {
    return TemplateError(
        "startswith and endswith: a string or a tuple of strings is expected, not ",
        TypeName(bound[0]));
  }
  return Value(std::any_of(tuple->items.begin(), tuple->items.end(), matches));
}

template <bool kAtEnd>
Result<Value> RemoveAffix(Runtime&, const Value& self, Arguments arguments) {
  HEARTH_TRY(const auto bound,
             BoundArguments::Bind("removeprefix", std::move(arguments), {"affix"}, 1));
  HEARTH_TRY(const TracedString* affix, bound.StringOr(0, nullptr));
  const TracedString& text = Self(self);
  if (affix == nullptr) return TemplateError("removeprefix and removesuffix: a string is expected");
  if (kAtEnd && text.view().ends_with(affix->view()))
    return Value(text.Slice(0, text.size() - affix->size()));
  if (!kAtEnd && text.view().starts_with(affix->view()))
    return Value(text.Slice(affix->size(), text.size()));
  return self;
}

// The position in characters, -1 where there is none.
template <bool kFromRight, bool kMustFind>
Result<Value> FindIn(Runtime&, const Value& self, Arguments arguments) {
  HEARTH_TRY(const auto bound, BoundArguments::Bind("find", std::move(arguments), {"sub"}, 1));
  HEARTH_TRY(const TracedString* part, bound.StringOr(0, nullptr));
  if (part == nullptr) return TemplateError("find: a string is expected");
  const std::string_view text = Self(self).view();
  const size_t found = kFromRight ? text.rfind(part->view()) : text.find(part->view());
  if (found != std::string_view::npos)
    return Value(static_cast<int64_t>(CountCodePoints(text.substr(0, found))));
  if (kMustFind) return TemplateError("index: the text is not found");
  return Value(int64_t{-1});
}

Result<Value> CountIn(Runtime&, const Value& self, Arguments arguments) {
  HEARTH_TRY(const auto bound, BoundArguments::Bind("count", std::move(arguments), {"sub"}, 1));
  HEARTH_TRY(const TracedString* part, bound.StringOr(0, nullptr));
  if (part == nullptr) return TemplateError("count: a string is expected");
  const std::string_view text = Self(self).view();
  if (part->empty()) return Value(static_cast<int64_t>(CountCodePoints(text)) + 1);
  int64_t count = 0;
  for (size_t at = text.find(part->view()); at != std::string_view::npos;
       at = text.find(part->view(), at + part->size())) {
    ++count;
  }
  return Value(count);
}

Result<Value> Map(Runtime& runtime, const Value& self, Arguments arguments,
                  const CharacterMap& append) {
  HEARTH_CHECK_OK(BoundArguments::Check("upper, lower, title, swapcase", std::move(arguments)));
  HEARTH_TRY(TracedString mapped, MapText(Self(self), append, runtime.budget()));
  return Value(std::move(mapped));
}

Result<Value> Upper(Runtime& runtime, const Value& self, Arguments arguments) {
  return Map(runtime, self, std::move(arguments),
             [](char32_t c, bool, std::string& out) { AppendUpper(c, out); });
}

Result<Value> Lower(Runtime& runtime, const Value& self, Arguments arguments) {
  return Map(runtime, self, std::move(arguments),
             [](char32_t c, bool, std::string& out) { AppendLower(c, out); });
}

Result<Value> Fold(Runtime& runtime, const Value& self, Arguments arguments) {
  return Map(runtime, self, std::move(arguments), [](char32_t c, bool, std::string& out) {
    std::string character;
    AppendUtf8(character, c);
    out += CaseFold(character);
  });
}

Result<Value> Title(Runtime& runtime, const Value& self, Arguments arguments) {
  return Map(runtime, self, std::move(arguments), AppendTitle);
}

Result<Value> SwapCase(Runtime& runtime, const Value& self, Arguments arguments) {
  return Map(runtime, self, std::move(arguments), [](char32_t c, bool, std::string& out) {
    if (IsUpper(c)) {
      AppendLower(c, out);
    } else {
      AppendUpper(c, out);
    }
  });
}

Result<Value> Capitalize(Runtime& runtime, const Value& self, Arguments arguments) {
  bool first = true;
  return Map(runtime, self, std::move(arguments), [&first](char32_t c, bool, std::string& out) {
    AppendTitle(c, !std::exchange(first, false), out);
  });
}

Result<Value> Join(Runtime& runtime, const Value& self, Arguments arguments) {
  HEARTH_TRY(const auto bound, BoundArguments::Bind("join", std::move(arguments), {"iterable"}, 1));
  HEARTH_TRY(const std::vector<Value> items, runtime.Iterate(bound[0]));
  std::vector<TracedString> parts;
  for (const Value& item : items) {
    if (!item.IsString()) return TemplateError("join: strings are expected, not ", TypeName(item));
    parts.push_back(*item.AsString());
  }
  HEARTH_TRY(TracedString joined, JoinTexts(parts, Self(self), runtime.budget()));
  return Value(std::move(joined));
}

// True where the text is not empty and `is` holds for every character.
template <bool (*is)(char32_t)>
Result<Value> All(Runtime&, const Value& self, Arguments arguments) {
  HEARTH_CHECK_OK(
      BoundArguments::Check("a method that asks about characters", std::move(arguments)));
  std::string_view rest = Self(self).view();
  bool all = !rest.empty();
  while (all && !rest.empty()) all = is(TakeCodePoint(rest));
  return Value(all);
}

bool IsAlphanumeric(char32_t c) { return IsAlpha(c) || IsDecimal(c) || IsDigit(c) || IsNumeric(c); }

// Whether there are cased letters and all are of that case.
template <bool (*is)(char32_t), bool (*is_other)(char32_t)>
Result<Value> Cased(Runtime&, const Value& self, Arguments arguments) {
  HEARTH_CHECK_OK(BoundArguments::Check("isupper and islower", std::move(arguments)));
  bool some = false;
  for (std::string_view rest = Self(self).view(); !rest.empty();) {
    const char32_t c = TakeCodePoint(rest);
    if (is_other(c)) return Value(false);
    some = some || is(c);
  }
  return Value(some);
}

enum class Pad { kLeft, kRight, kBoth };

template <Pad kPad>
Result<Value> Justify(Runtime& runtime, const Value& self, Arguments arguments) {
  HEARTH_TRY(const auto bound, BoundArguments::Bind("ljust, rjust, center", std::move(arguments),
                                                    {"width", "fillchar"}, 1));
  HEARTH_TRY(const int64_t width, bound.IntegerOr(0, 0));
  const TracedString space(" ", Origin::kData);
  HEARTH_TRY(const TracedString* fill, bound.StringOr(1, &space));
  if (CountCodePoints(fill->view()) != 1)
    return TemplateError("ljust, rjust, center: one character is to fill");
  HEARTH_TRY(TracedString padded, PadText(Self(self), width, *fill, kPad != Pad::kRight,
                                          kPad != Pad::kLeft, runtime.budget()));
  return Value(std::move(padded));
}

Result<Value> ZeroFill(Runtime& runtime, const Value& self, Arguments arguments) {
  HEARTH_TRY(const auto bound, BoundArguments::Bind("zfill", std::move(arguments), {"width"}, 1));
  HEARTH_TRY(const int64_t width, bound.IntegerOr(0, 0));
  const TracedString& text = Self(self);
  const size_t sign = text.view().starts_with('-') || text.view().starts_with('+') ? 1 : 0;
  HEARTH_TRY(const TracedString padded,
             PadText(text.Slice(sign, text.size()), width - static_cast<int64_t>(sign),
                     TracedString("0", Origin::kData), true, false, runtime.budget()));
  TracedString out = text.Slice(0, sign);
  out.Append(padded);
  return Value(std::move(out));
}

Result<Value> Format(Runtime& runtime, const Value& self, Arguments arguments) {
  return FormatBraces(runtime, Self(self), arguments);
}

}  // namespace

MethodFunction FindStringMethod(std::string_view name) {
  static constexpr std::pair<std::string_view, MethodFunction> kMethods[] = {
      {"strip", Strip<true, true>},
      {"lstrip", Strip<true, false>},
      {"rstrip", Strip<false, true>},
      {"split", Split<false>},
      {"rsplit", Split<true>},
      {"splitlines", SplitLines},
      {"partition", Partition<false>},
      {"rpartition", Partition<true>},
      {"replace", Replace},
      {"startswith", StartsWith<false>},
      {"endswith", StartsWith<true>},
      {"removeprefix", RemoveAffix<false>},
      {"removesuffix", RemoveAffix<true>},
      {"find", FindIn<false, false>},
      {"rfind", FindIn<true, false>},
      {"index", FindIn<false, true>},
      {"rindex", FindIn<true, true>},
      {"count", CountIn},
      {"upper", Upper},
      {"lower", Lower},
      {"casefold", Fold},
      {"title", Title},
      {"swapcase", SwapCase},
      {"capitalize", Capitalize},
      {"join", Join},
      {"format", Format},
      {"isalpha", All<IsAlpha>},
      {"isalnum", All<IsAlphanumeric>},
      {"isdecimal", All<IsDecimal>},
      {"isdigit", All<IsDigit>},
      {"isnumeric", All<IsNumeric>},
      {"isspace", All<IsSpace>},
      {"isupper", Cased<IsUpper, IsLower>},
      {"islower", Cased<IsLower, IsUpper>},
      {"ljust", Justify<Pad::kRight>},
      {"rjust", Justify<Pad::kLeft>},
      {"center", Justify<Pad::kBoth>},
      {"zfill", ZeroFill},
  };
  for (const auto& [candidate, method] : kMethods) {
    if (candidate == name) return method;
  }
  return nullptr;
}

}  // namespace hearth::serving
