// TracedString: a text that remembers, byte by byte, whether the template's author wrote it.
//
// Bytes from the template's source (and the tokenizer's BOS and EOS) are trusted; everything else,
// that is messages, tools, arguments and what is computed from them, is not. Cutting and joining
// keep the origin, so that in the end only trusted bytes may become control tokens. An ordinary
// value.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::serving {

enum class Origin : bool { kData = false, kTemplate = true };

class TracedString {
 public:
  struct Run {
    size_t end = 0;  // the run reaches from the end of the one before it to here
    Origin origin = Origin::kData;
  };

  TracedString() = default;
  TracedString(std::string_view text, Origin origin) { Append(text, origin); }

  std::string_view view() const { return text_; }
  size_t size() const { return text_.size(); }
  bool empty() const { return text_.empty(); }
  // Neighbours differ in origin; none is empty.
  const std::vector<Run>& runs() const { return runs_; }

  void Append(std::string_view text, Origin origin);
  void Append(const TracedString& other) { Append(other, 0, other.size()); }
  // Bytes [begin, end) of another string (not of this one).
  void Append(const TracedString& other, size_t begin, size_t end);
  TracedString Slice(size_t begin, size_t end) const;

 private:
  std::string text_;
  std::vector<Run> runs_;
};

}  // namespace hearth::serving
