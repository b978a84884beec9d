#include "runtime/serving/template/traced_string.h"

#include <algorithm>

namespace hearth::serving {

void TracedString::Append(std::string_view text, Origin origin) {
  if (text.empty()) return;
  text_ += text;
  if (!runs_.empty() && runs_.back().origin == origin) {
    runs_.back().end = text_.size();
  } else {
    runs_.push_back({text_.size(), origin});
  }
}

void TracedString::Append(const TracedString& other, size_t begin, size_t end) {
  auto run = std::upper_bound(other.runs_.begin(), other.runs_.end(), begin,
                              [](size_t at, const Run& r) { return at < r.end; });
  while (begin < end) {
    const size_t stop = std::min(end, run->end);
    Append(other.view().substr(begin, stop - begin), run->origin);
    begin = stop;
    ++run;
  }
}

TracedString TracedString::Slice(size_t begin, size_t end) const {
  TracedString slice;
  slice.Append(*this, begin, end);
  return slice;
}

}  // namespace hearth::serving
