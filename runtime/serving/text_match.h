// Comparing what a model wrote with the text of a description, while it streams.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::serving {

struct TextMatch {
  enum class Kind : unsigned char { kNo, kMore, kYes };
  Kind kind = Kind::kNo;
  size_t used = 0;  // bytes of the buffer that the text takes, where kYes
};

// Whether the buffer begins with `text`. Space may be missing or stand where there is none, but not
// inside a word; space at the end of `text` is taken only as it is written there. kMore: it depends
// on what comes.
TextMatch MatchText(std::string_view text, std::string_view buffer);

// Length of the longest end of `text` that begins `marker` but is not all of it.
size_t Overlap(std::string_view text, std::string_view marker);

// The first of several markers in a text that may go on.
struct FoundMarker {
  size_t at = std::string_view::npos;  // npos: none yet
  size_t which = 0;
  size_t clear = 0;  // so much of the text certainly stands before any marker
};
// Of markers that begin at one place the longest counts, so a marker is found once no earlier or
// longer one can come of what follows; at the `end` of the text nothing follows.
FoundMarker FindFirst(std::string_view text, const std::vector<std::string>& markers,
                      bool end = false);

inline bool IsSpace(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

}  // namespace hearth::serving
