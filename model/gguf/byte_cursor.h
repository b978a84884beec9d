// ByteCursor: reads little-endian values out of a byte span, and never past its end.
//
// Every read names the field it is after, so that an error says which field of the file is wrong
// and at which byte. Not thread-safe.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "runtime/base/core/result.h"

namespace hearth::model {

static_assert(std::endian::native == std::endian::little,
              "GGUF is read in place: little-endian only");

class ByteCursor {
 public:
  ByteCursor(std::span<const std::byte> bytes, std::string_view file_name)
      : bytes_(bytes), file_name_(file_name) {}

  size_t position() const { return position_; }
  // The bytes from `start` to here.
  std::span<const std::byte> Since(size_t start) const {
    return bytes_.subspan(start, position_ - start);
  }
  size_t remaining() const { return bytes_.size() - position_; }

  template <typename T>
  Result<T> Read(std::string_view field) {
    if (remaining() < sizeof(T)) {
      return Fail(position_, field, ": ", sizeof(T), " bytes wanted, the file ends after ",
                  remaining());
    }
    T value;
    std::memcpy(&value, bytes_.data() + position_, sizeof(T));
    position_ += sizeof(T);
    return value;
  }

  // A uint64 length followed by that many bytes.
  Result<std::string_view> ReadString(std::string_view field) {
    const size_t start = position_;
    HEARTH_TRY(const uint64_t length, Read<uint64_t>(field));
    if (length > remaining()) {
      return Fail(start, field, ": string length ", length, " exceeds the ", remaining(),
                  " bytes left in the file");
    }
    const std::string_view text(reinterpret_cast<const char*>(bytes_.data() + position_),
                                static_cast<size_t>(length));
    position_ += text.size();
    return text;
  }

  template <typename... Args>
  Error Fail(size_t at, const Args&... what) const {
    return MakeError(ErrorCode::kInvalidArgument, file_name_, ": byte ", at, ": ", what...);
  }

 private:
  std::span<const std::byte> bytes_;
  std::string_view file_name_;
  size_t position_ = 0;
};

}  // namespace hearth::model
