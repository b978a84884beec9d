#include "runtime/base/redact.h"

#include <algorithm>
#include <cctype>

namespace hearth {
namespace {

constexpr std::string_view kHidden = "[redacted]";

bool IsSecretCharacter(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
         std::string_view("-_.~+/=%").find(c) != std::string_view::npos;
}

bool SameWord(std::string_view text, std::string_view word) {
  return text.size() >= word.size() &&
         std::equal(word.begin(), word.end(), text.begin(), [](char a, char b) {
           return a == std::tolower(static_cast<unsigned char>(b));
         });
}

// Bytes in front of the secret that begins here, or 0.
size_t MarkerLength(std::string_view text) {
  constexpr std::string_view kNames[] = {"bearer ", "token=",    "key=",       "secret=",
                                         "sk-",     "password=", "token\":\"", "key\":\"",
                                         "token: ", "key: ",     "password: "};
  for (const std::string_view name : kNames) {
    if (SameWord(text, name)) return name.size();
  }
  return 0;
}

}  // namespace

std::string RedactSecrets(std::string_view text) {
  constexpr size_t kShortestSecret = 4;
  std::string out;
  for (size_t i = 0; i < text.size();) {
    const size_t marker = MarkerLength(text.substr(i));
    const bool starts_word =
        i == 0 || !IsSecretCharacter(text[i - 1]) || text[i - 1] == '_' || text[i - 1] == '-';
    if (marker == 0 || !starts_word) {
      out += text[i++];
      continue;
    }
    size_t end = i + marker;
    while (end < text.size() && IsSecretCharacter(text[end])) ++end;
    if (end - i - marker < kShortestSecret) {
      out += text[i++];
      continue;
    }
    out += text.substr(i, marker);
    out += kHidden;
    i = end;
  }
  return out;
}

}  // namespace hearth
