#include "mcp/auth/challenge.h"

#include <algorithm>
#include <cctype>

namespace hearth::mcp {
namespace {

constexpr size_t kMostParameters = 64;

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower;
}

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  bool done() const { return at_ == text_.size(); }
  void SkipSeparators() {
    while (!done() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == ',')) ++at_;
  }
  void SkipSpaces() {
    while (!done() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
  }
  bool Take(char c) {
    if (done() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  // Up to a character that ends a token.
  std::string_view Token() {
    const size_t end = std::min(text_.find_first_of(" \t,=\"", at_), text_.size());
    const std::string_view token = text_.substr(at_, end - at_);
    at_ = end;
    return token;
  }
  std::string Value() {
    if (!Take('"')) return std::string(Token());
    std::string value;
    while (!done() && text_[at_] != '"') {
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
      value += text_[at_++];
    }
    Take('"');
    return value;
  }

 private:
  const std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

std::string Challenge::Find(std::string_view name) const {
  const auto found =
      std::ranges::find_if(parameters, [&](const auto& one) { return one.first == name; });
  return found == parameters.end() ? std::string() : found->second;
}

std::vector<Challenge> ParseChallenges(std::string_view header) {
  std::vector<Challenge> challenges;
  Reader reader(header);
  for (size_t count = 0; count < kMostParameters; ++count) {
    reader.SkipSeparators();
    if (reader.done()) break;
    const std::string_view token = reader.Token();
    reader.SkipSpaces();
    // A name with a value belongs to the challenge before it; a name alone begins one.
    if (reader.Take('=')) {
      reader.SkipSpaces();
      std::string value = reader.Value();
      if (!challenges.empty() && !token.empty()) {
        challenges.back().parameters.emplace_back(Lower(token), std::move(value));
      }
    } else if (!token.empty()) {
      challenges.push_back({.scheme = Lower(token), .parameters = {}});
    } else {
      reader.Value();  // a stray quotation
    }
  }
  return challenges;
}

Challenge BearerChallenge(std::string_view header) {
  for (Challenge& challenge : ParseChallenges(header)) {
    if (challenge.scheme == "bearer") return std::move(challenge);
  }
  return {};
}

}  // namespace hearth::mcp
