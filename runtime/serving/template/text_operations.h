// What strings can do, on texts that remember their origin. Positions are in bytes unless said.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "runtime/base/core/result.h"
#include "runtime/serving/template/budget.h"
#include "runtime/serving/template/traced_string.h"

namespace hearth::serving {

// Where each character begins, and the end of the text.
std::vector<size_t> CharacterOffsets(std::string_view text);

// Without the characters of `set` (white space where null) at the chosen ends.
TracedString StripText(const TracedString& text, const TracedString* set, bool left, bool right);

// The pieces between separators, at most `most` cuts (all where negative). Without a separator:
// between runs of white space. `from_right` matters where cuts are limited.
Result<std::vector<TracedString>> SplitText(const TracedString& text, const TracedString* separator,
                                            int64_t most, bool from_right, Budget& budget);

Result<TracedString> ReplaceText(const TracedString& text, const TracedString& from,
                                 const TracedString& to, int64_t most, Budget& budget);

Result<TracedString> JoinTexts(const std::vector<TracedString>& parts,
                               const TracedString& separator, Budget& budget);

// With `fill`, one character, on the chosen sides until the text has `width` characters.
Result<TracedString> PadText(const TracedString& text, int64_t width, const TracedString& fill,
                             bool left, bool right, Budget& budget);

// Each character goes through `append` and keeps its origin. `append` is told whether the character
// before it was a letter.
using CharacterMap = std::function<void(char32_t c, bool after_letter, std::string& out)>;
Result<TracedString> MapText(const TracedString& text, const CharacterMap& append, Budget& budget);
void AppendTitle(char32_t c, bool after_letter, std::string& out);

// text[start:stop:step] in characters, with Python's rules for what is negative or absent.
Result<TracedString> SliceText(const TracedString& text, std::optional<int64_t> start,
                               std::optional<int64_t> stop, int64_t step, Budget& budget);

// Python's indices for a slice of a sequence of `size`: the elements to take, in order.
std::vector<size_t> SliceIndices(size_t size, std::optional<int64_t> start,
                                 std::optional<int64_t> stop, int64_t step);

}  // namespace hearth::serving
