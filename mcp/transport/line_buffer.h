// LineBuffer: cuts a stream of bytes into lines, none longer than a limit.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

namespace hearth::mcp {

class LineBuffer {
 public:
  explicit LineBuffer(size_t max_line) : max_line_(max_line) {}

  // Where to read to; at least `wanted` bytes. Views that Next gave become void.
  char* Prepare(size_t wanted);
  size_t room() const { return size_ - end_; }
  void Commit(size_t count) { end_ += count; }
  // Bytes of the line that has begun.
  size_t begun() const { return end_ - begin_; }

  enum class Kind {
    kNone,     // no whole line is there yet
    kLine,     // `line`, without its line break (and without a carriage return before it)
    kTooLong,  // a line was over the limit; what there is of it is thrown away
  };
  Kind Next(std::string_view& line);
  // At the stream's end: what stands behind the last line break.
  std::string_view Rest() const { return {buffer_.get() + begin_, end_ - begin_}; }

 private:
  // Gives the buffer another size; what it holds stays.
  void Resize(size_t size);

  const size_t max_line_;
  std::unique_ptr<char[]> buffer_;
  size_t size_ = 0;
  size_t begin_ = 0;     // of the line that comes next
  size_t searched_ = 0;  // up to here there is no line break
  size_t end_ = 0;
  bool skipping_ = false;  // in a line that is too long
};

}  // namespace hearth::mcp
