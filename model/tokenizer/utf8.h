// UTF-8, one character at a time, with what to do about bytes that are none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace hearth::model {

struct Utf8Step {
  enum class Kind : uint8_t {
    kCharacter,   // `length` bytes are the character `code_point`
    kInvalid,     // `length` bytes can never begin a character; shown as one U+FFFD
    kUnfinished,  // the text ends inside a character that could still be completed
  };
  Kind kind = Kind::kCharacter;
  uint32_t length = 0;
  uint32_t code_point = 0xfffd;
};

inline constexpr std::string_view kReplacementCharacter = "\xef\xbf\xbd";

// Looks at the beginning of `text`, which is not empty. An invalid or unfinished run is as long as
// the longest prefix of some well-formed character (Unicode 15, section 3.9, D93b), as Python's
// errors="replace" has it.
Utf8Step DecodeUtf8(std::string_view text);
void AppendUtf8(uint32_t code_point, std::string& out);

}  // namespace hearth::model
