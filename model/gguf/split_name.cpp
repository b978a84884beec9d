#include "model/gguf/split_name.h"

namespace hearth::model {
namespace {

constexpr size_t kDigits = 5;
constexpr std::string_view kOf = "-of-";
constexpr std::string_view kEnd = ".gguf";

std::string Padded(uint64_t value) {
  const std::string digits = std::to_string(value);
  return std::string(digits.size() < kDigits ? kDigits - digits.size() : 0, '0') + digits;
}

// The number in the five characters that `text` ends with, which are cut off.
std::optional<uint64_t> TakeNumber(std::string_view& text) {
  if (text.size() < kDigits) return std::nullopt;
  uint64_t value = 0;
  for (const char c : text.substr(text.size() - kDigits)) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<uint64_t>(c - '0');
  }
  text.remove_suffix(kDigits);
  return value;
}

bool Take(std::string_view& text, std::string_view suffix) {
  if (!text.ends_with(suffix)) return false;
  text.remove_suffix(suffix.size());
  return true;
}

}  // namespace

std::optional<SplitName> ParseSplitName(std::string_view path) {
  if (!Take(path, kEnd)) return std::nullopt;
  const auto count = TakeNumber(path);
  if (!count || !Take(path, kOf)) return std::nullopt;
  const auto number = TakeNumber(path);
  if (!number || !Take(path, "-")) return std::nullopt;
  return SplitName{std::string(path), *number, *count};
}

std::string SplitPath(std::string_view prefix, uint64_t number, uint64_t count) {
  std::string path(prefix);
  path.append("-").append(Padded(number)).append(kOf).append(Padded(count)).append(kEnd);
  return path;
}

}  // namespace hearth::model
