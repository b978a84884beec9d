#include "model/tokenizer/byte_alphabet.h"

#include <array>

#include "model/tokenizer/utf8.h"

namespace hearth::model {
namespace {

constexpr uint32_t kFirstSubstitute = 0x100;
constexpr uint32_t kSubstitutes = 68;  // bytes that do not stand for themselves

constexpr bool StandsForItself(uint32_t byte) {
  return (byte >= '!' && byte <= '~') || (byte >= 0xa1 && byte <= 0xac) ||
         (byte >= 0xae && byte <= 0xff);
}

constexpr auto kByteOfCharacter = [] {
  std::array<int16_t, kFirstSubstitute + kSubstitutes> table{};
  uint32_t next = kFirstSubstitute;
  table.fill(-1);
  for (uint32_t byte = 0; byte < 256; ++byte) {
    table[StandsForItself(byte) ? byte : next++] = static_cast<int16_t>(byte);
  }
  return table;
}();

}  // namespace

std::string ByteToAlphabet(uint8_t byte) {
  uint32_t character = 0;
  while (kByteOfCharacter[character] != byte) ++character;
  std::string text;
  AppendUtf8(character, text);
  return text;
}

std::optional<std::string> AlphabetToBytes(std::string_view text) {
  std::string bytes;
  while (!text.empty()) {
    const Utf8Step step = DecodeUtf8(text);
    if (step.kind != Utf8Step::Kind::kCharacter || step.code_point >= kByteOfCharacter.size() ||
        kByteOfCharacter[step.code_point] < 0) {
      return std::nullopt;
    }
    bytes.push_back(static_cast<char>(kByteOfCharacter[step.code_point]));
    text.remove_prefix(step.length);
  }
  return bytes;
}

}  // namespace hearth::model
