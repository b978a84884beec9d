#include "runtime/serving/template/text_operations.h"

#include <algorithm>

#include "runtime/base/unicode.h"
#include "runtime/serving/template/letters.h"

namespace hearth::serving {
namespace {

constexpr size_t kNone = std::string_view::npos;

// Where the last character of a text that is not empty begins.
size_t LastCharacter(std::string_view text) {
  size_t begin = text.size() - 1;
  while (begin > 0 && text.size() - begin < 4 && (text[begin] & 0xc0) == 0x80) --begin;
  // Bytes that are no character stand alone.
  std::string_view last = text.substr(begin);
  TakeCodePoint(last);
  return last.empty() ? begin : text.size() - 1;
}

bool IsIn(const TracedString* set, std::string_view character) {
  if (set != nullptr) return set->view().find(character) != kNone;
  return IsSpace(TakeCodePoint(character));
}

// What a piece costs beside its bytes, in steps.
constexpr size_t kPieceSteps = 16;

Result<std::vector<TracedString>> SplitAtSpaces(const TracedString& text, int64_t most,
                                                Budget& budget) {
  std::vector<TracedString> pieces;
  std::string_view rest = text.view();
  const auto at = [&] { return text.size() - rest.size(); };
  const auto skip = [&](bool space) {
    while (!rest.empty()) {
      std::string_view after = rest;
      if (IsSpace(TakeCodePoint(after)) != space) break;
      rest = after;
    }
  };
  for (skip(true); !rest.empty(); skip(true)) {
    const size_t begin = at();
    if (most >= 0 && pieces.size() == static_cast<size_t>(most)) {
      pieces.push_back(StripText(text.Slice(begin, text.size()), nullptr, false, true));
      break;
    }
    skip(false);
    pieces.push_back(text.Slice(begin, at()));
    HEARTH_CHECK_OK(budget.Spend(kPieceSteps));
  }
  return pieces;
}

}  // namespace

std::vector<size_t> CharacterOffsets(std::string_view text) {
  std::vector<size_t> offsets;
  std::string_view rest = text;
  while (!rest.empty()) {
    offsets.push_back(text.size() - rest.size());
    TakeCodePoint(rest);
  }
  offsets.push_back(text.size());
  return offsets;
}

TracedString StripText(const TracedString& text, const TracedString* set, bool left, bool right) {
  size_t begin = 0, end = text.size();
  while (left && begin < end) {
    std::string_view rest = text.view().substr(begin, end - begin);
    TakeCodePoint(rest);
    const size_t after = end - rest.size();
    if (!IsIn(set, text.view().substr(begin, after - begin))) break;
    begin = after;
  }
  while (right && begin < end) {
    const size_t last = begin + LastCharacter(text.view().substr(begin, end - begin));
    if (!IsIn(set, text.view().substr(last, end - last))) break;
    end = last;
  }
  return text.Slice(begin, end);
}

Result<std::vector<TracedString>> SplitText(const TracedString& text, const TracedString* separator,
                                            int64_t most, bool from_right, Budget& budget) {
  HEARTH_CHECK_OK(budget.SpendString(text.size()));
  if (separator == nullptr) return SplitAtSpaces(text, most, budget);
  const std::string_view mark = separator->view();
  if (mark.empty()) return MakeError(ErrorCode::kInvalidArgument, "split: the separator is empty");
  std::vector<TracedString> pieces;
  const auto may_cut = [&] { return most < 0 || pieces.size() < static_cast<size_t>(most); };
  if (from_right) {
    size_t end = text.size();
    while (may_cut() && end >= mark.size()) {
      const size_t found = text.view().rfind(mark, end - mark.size());
      if (found == kNone) break;
      pieces.push_back(text.Slice(found + mark.size(), end));
      HEARTH_CHECK_OK(budget.Spend(kPieceSteps));
      end = found;
    }
    pieces.push_back(text.Slice(0, end));
    std::reverse(pieces.begin(), pieces.end());
    return pieces;
  }
  size_t begin = 0;
  for (size_t found = text.view().find(mark); may_cut() && found != kNone;
       found = text.view().find(mark, begin)) {
    pieces.push_back(text.Slice(begin, found));
    HEARTH_CHECK_OK(budget.Spend(kPieceSteps));
    begin = found + mark.size();
  }
  pieces.push_back(text.Slice(begin, text.size()));
  return pieces;
}

Result<TracedString> ReplaceText(const TracedString& text, const TracedString& from,
                                 const TracedString& to, int64_t most, Budget& budget) {
  TracedString out;
  size_t begin = 0;
  const auto may_replace = [&] {
    return (most < 0 || most-- > 0) && out.size() <= budget.limits().max_output_bytes;
  };
  if (from.empty()) {
    // An empty text stands before every character and at the end.
    for (const size_t offset : CharacterOffsets(text.view())) {
      if (!may_replace()) break;
      HEARTH_CHECK_OK(budget.Spend());
      out.Append(text, begin, offset);
      out.Append(to);
      begin = offset;
    }
  } else {
    for (size_t found = text.view().find(from.view()); found != kNone && may_replace();
         found = text.view().find(from.view(), begin)) {
      HEARTH_CHECK_OK(budget.Spend());
      out.Append(text, begin, found);
      out.Append(to);
      begin = found + from.size();
    }
  }
  HEARTH_CHECK_OK(budget.SpendString(out.size() + text.size() - begin));
  out.Append(text, begin, text.size());
  return out;
}

Result<TracedString> JoinTexts(const std::vector<TracedString>& parts,
                               const TracedString& separator, Budget& budget) {
  size_t bytes = 0;
  for (const TracedString& part : parts) bytes += part.size() + separator.size();
  HEARTH_CHECK_OK(budget.SpendString(bytes));
  TracedString joined;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (i != 0) joined.Append(separator);
    joined.Append(parts[i]);
  }
  return joined;
}

Result<TracedString> PadText(const TracedString& text, int64_t width, const TracedString& fill,
                             bool left, bool right, Budget& budget) {
  const auto size = static_cast<int64_t>(CountCodePoints(text.view()));
  if (width <= size) return text;
  HEARTH_CHECK_OK(budget.SpendString(static_cast<size_t>(width)));
  const int64_t padding = width - size;
  // Where both sides get some, Python gives the odd one to the left if the width is odd, too.
  const int64_t before = left && right ? padding / 2 + (padding & width & 1) : left ? padding : 0;
  TracedString out;
  for (int64_t i = 0; i < before; ++i) out.Append(fill);
  out.Append(text);
  for (int64_t i = before; i < padding; ++i) out.Append(fill);
  return out;
}

Result<TracedString> MapText(const TracedString& text, const CharacterMap& append, Budget& budget) {
  HEARTH_CHECK_OK(budget.SpendString(text.size()));
  TracedString out;
  size_t begin = 0;
  bool after_letter = false;
  for (const TracedString::Run& run : text.runs()) {
    std::string mapped;
    // Runs end between characters: they are made of whole texts and of slices at characters.
    std::string_view rest = text.view().substr(begin, run.end - begin);
    while (!rest.empty()) {
      const char32_t c = TakeCodePoint(rest);
      append(c, after_letter, mapped);
      after_letter = IsUpper(c) || IsLower(c);
    }
    out.Append(mapped, run.origin);
    begin = run.end;
  }
  return out;
}

void AppendTitle(char32_t c, bool after_letter, std::string& out) {
  if (after_letter) {
    AppendLower(c, out);
  } else {
    AppendUpper(c, out);
  }
}

std::vector<size_t> SliceIndices(size_t size, std::optional<int64_t> start,
                                 std::optional<int64_t> stop, int64_t step) {
  const auto length = static_cast<int64_t>(size);
  const int64_t least = step > 0 ? 0 : -1, most = step > 0 ? length : length - 1;
  const auto clamp = [&](std::optional<int64_t> index, int64_t absent) {
    if (!index) return absent;
    const int64_t from_start =
        *index < 0 ? std::max<int64_t>(*index, -length - 1) + length : *index;
    return std::clamp(from_start, least, most);
  };
  const int64_t begin = clamp(start, step > 0 ? least : most);
  const int64_t end = clamp(stop, step > 0 ? most : least);
  std::vector<size_t> indices;
  for (int64_t i = begin; step > 0 ? i < end : i > end;) {
    indices.push_back(static_cast<size_t>(i));
    if (__builtin_add_overflow(i, step, &i)) break;
  }
  return indices;
}

Result<TracedString> SliceText(const TracedString& text, std::optional<int64_t> start,
                               std::optional<int64_t> stop, int64_t step, Budget& budget) {
  HEARTH_CHECK_OK(budget.SpendString(text.size()));
  const std::vector<size_t> offsets = CharacterOffsets(text.view());
  const std::vector<size_t> indices = SliceIndices(offsets.size() - 1, start, stop, step);
  if (indices.empty()) return TracedString();
  if (step == 1) return text.Slice(offsets[indices.front()], offsets[indices.back() + 1]);
  TracedString out;
  for (const size_t i : indices) out.Append(text, offsets[i], offsets[i + 1]);
  return out;
}

}  // namespace hearth::serving
