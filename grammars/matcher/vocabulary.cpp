#include "grammars/vocabulary.h"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <sstream>

#include "grammars/matcher/vocabulary_tables.h"

namespace hearth::grammar {

namespace {
constexpr size_t kMaxTokens = size_t{1} << 21;
// Masks recurse once per byte of a token.
constexpr size_t kMaxTokenBytes = 4096;
}  // namespace

Vocabulary::Vocabulary(std::vector<Token> tokens, std::vector<TokenId> end_tokens)
    : tokens_(std::move(tokens)), end_tokens_(std::move(end_tokens)) {
  tables_ = std::make_unique<VocabularyTables>(*this);
}

Vocabulary::~Vocabulary() = default;

bool Vocabulary::IsEnd(TokenId id) const {
  return std::find(end_tokens_.begin(), end_tokens_.end(), id) != end_tokens_.end();
}

Result<std::shared_ptr<const Vocabulary>> Vocabulary::Create(std::vector<Token> tokens,
                                                             std::vector<TokenId> end_tokens) {
  if (tokens.empty() || tokens.size() > kMaxTokens) {
    return MakeError(ErrorCode::kInvalidArgument, "vocabulary: ", tokens.size(),
                     " tokens; expected 1 to ", kMaxTokens);
  }
  for (const Token& token : tokens) {
    if (token.bytes.size() > kMaxTokenBytes) {
      return MakeError(ErrorCode::kInvalidArgument, "vocabulary: a token of ", token.bytes.size(),
                       " bytes; the most is ", kMaxTokenBytes);
    }
  }
  std::sort(end_tokens.begin(), end_tokens.end());
  end_tokens.erase(std::unique(end_tokens.begin(), end_tokens.end()), end_tokens.end());
  for (TokenId id : end_tokens) {
    if (id < 0 || static_cast<size_t>(id) >= tokens.size()) {
      return MakeError(ErrorCode::kInvalidArgument, "vocabulary: end token ", id, " is not one of ",
                       tokens.size(), " ids");
    }
    tokens[static_cast<size_t>(id)].is_special = true;  // the end is never text
  }
  return std::shared_ptr<const Vocabulary>(
      new Vocabulary(std::move(tokens), std::move(end_tokens)));
}

Result<std::shared_ptr<const Vocabulary>> Vocabulary::ReadGvoc(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return MakeError(ErrorCode::kNotFound, "cannot open vocabulary ", path);
  std::ostringstream content;
  content << file.rdbuf();
  if (!file) return MakeError(ErrorCode::kIo, "cannot read vocabulary ", path);
  return ParseGvoc(content.view());
}

Result<std::shared_ptr<const Vocabulary>> Vocabulary::ParseGvoc(std::string_view content) {
  const auto byte = [&](size_t i) {
    return static_cast<uint32_t>(static_cast<uint8_t>(content[i]));
  };
  const auto word = [&](size_t i) {
    return byte(i) | byte(i + 1) << 8 | byte(i + 2) << 16 | byte(i + 3) << 24;
  };
  constexpr size_t kHeader = 20;
  if (content.size() < kHeader || content.substr(0, 8) != "GVOC0001") {
    return MakeError(ErrorCode::kInvalidArgument, "vocabulary: not a GVOC0001 file");
  }
  const size_t count = word(8);
  const uint32_t end = word(12);
  // Three bytes a token are the least, so a hostile count cannot make us allocate much.
  if (count > kMaxTokens || count * 3 > content.size() - kHeader) {
    return MakeError(ErrorCode::kInvalidArgument, "vocabulary: ", count, " tokens do not fit in ",
                     content.size(), " bytes");
  }
  std::vector<Token> tokens;
  tokens.reserve(count);
  size_t at = kHeader;
  for (size_t i = 0; i < count; ++i) {
    if (content.size() - at < 3) {
      return MakeError(ErrorCode::kInvalidArgument, "vocabulary: ends within token ", i);
    }
    const uint32_t flags = byte(at);
    const size_t length = byte(at + 1) | byte(at + 2) << 8;
    at += 3;
    if (content.size() - at < length) {
      return MakeError(ErrorCode::kInvalidArgument, "vocabulary: ends within token ", i);
    }
    tokens.push_back({std::string(content.substr(at, length)), (flags & 3) != 0});
    at += length;
  }
  if (at != content.size()) {
    return MakeError(ErrorCode::kInvalidArgument, "vocabulary: ", content.size() - at,
                     " bytes after the last token");
  }
  if (end >= count) {
    return MakeError(ErrorCode::kInvalidArgument, "vocabulary: end token ", end, " is not one of ",
                     count, " ids");
  }
  return Create(std::move(tokens), {static_cast<TokenId>(end)});
}

}  // namespace hearth::grammar
