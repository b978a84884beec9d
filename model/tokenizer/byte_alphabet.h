// The byte alphabet of GPT-2's vocabularies: every byte is written as one printable character.
//
// Bytes that are printable in Latin-1 stand for themselves; the others, in order, are U+0100 and
// up. So a space is "Ġ" and a newline "Ċ" in a vocabulary's text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hearth::model {

// The character that stands for a byte, as UTF-8.
std::string ByteToAlphabet(uint8_t byte);
// The bytes that a text stands for; nullopt where it holds a character of no byte.
std::optional<std::string> AlphabetToBytes(std::string_view text);

}  // namespace hearth::model
