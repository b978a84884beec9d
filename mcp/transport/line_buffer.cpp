#include "mcp/transport/line_buffer.h"

#include <cstring>
#include <utility>

namespace hearth::mcp {
namespace {

// What an idle buffer keeps; memory taken for a large message goes back after it.
constexpr size_t kKept = 256 << 10;

}  // namespace

void LineBuffer::Resize(size_t size) {
  auto resized = std::make_unique_for_overwrite<char[]>(size);
  if (end_ != 0) std::memcpy(resized.get(), buffer_.get(), end_);
  buffer_ = std::move(resized);
  size_ = size;
}

char* LineBuffer::Prepare(size_t wanted) {
  if (begin_ == end_) {
    begin_ = searched_ = end_ = 0;
    if (size_ > kKept && wanted <= kKept) Resize(kKept);
  } else if (room() < wanted && begin_ != 0) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
    end_ -= begin_;
    searched_ -= begin_;
    begin_ = 0;
  }
  if (room() < wanted) {
    const size_t needed = end_ + wanted;
    Resize(needed > 2 * size_ ? needed : 2 * size_);
  }
  return buffer_.get() + end_;
}

LineBuffer::Kind LineBuffer::Next(std::string_view& line) {
  for (;;) {
    if (searched_ == end_) return Kind::kNone;
    const auto* found =
        static_cast<const char*>(std::memchr(buffer_.get() + searched_, '\n', end_ - searched_));
    if (found == nullptr) {
      searched_ = end_;
      if (end_ - begin_ <= max_line_) return Kind::kNone;
      begin_ = end_;
      if (skipping_) return Kind::kNone;
      skipping_ = true;
      return Kind::kTooLong;
    }
    const auto at = static_cast<size_t>(found - buffer_.get());
    const size_t begin = begin_;
    begin_ = searched_ = at + 1;
    if (skipping_) {
      skipping_ = false;
      continue;
    }
    if (at - begin > max_line_) return Kind::kTooLong;
    line = {buffer_.get() + begin, at - begin};
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    return Kind::kLine;
  }
}

}  // namespace hearth::mcp
