#include "grammars/vocabulary.h"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <sstream>

#include "grammars/matcher/json_string.h"
#include "grammars/matcher/vocabulary_tables.h"

namespace hearth::grammar {

namespace {
constexpr size_t kMaxTokens = size_t{1} << 21;
constexpr size_t kMaxTokenBytes = 65'535;
constexpr size_t kMaskMemoryBytes = size_t{40} << 20;
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

VocabularyTables::VocabularyTables(const Vocabulary& vocabulary)
    : words_(vocabulary.mask_words()), masks_(kMaskMemoryBytes) {
  std::vector<TokenTrie::Spelling> spellings, exits;
  std::vector<std::vector<uint32_t>> cut(kCutMasks + 1, std::vector<uint32_t>(words_));
  std::vector<uint32_t> body(words_);
  characters_.assign(vocabulary.size(), 0);

  // Any text, as the universal string sees it; its automaton needs no store of its own.
  const CharDfa dfa(std::make_unique<ExpressionStore>(), {});
  const StringSpec spec{.start = CharDfa::kUniversal, .in_body = true};
  StringSpec counting = spec;
  counting.min = UINT32_MAX - 1;  // makes the automaton count

  for (size_t i = 0; i < vocabulary.size(); ++i) {
    const auto id = static_cast<TokenId>(i);
    if (!vocabulary.IsText(id)) continue;
    const std::string_view bytes = vocabulary.Bytes(id);
    spellings.push_back({bytes, id});
    far_ = std::max(far_, static_cast<uint32_t>(bytes.size()) + 1);
    JsonString::State state = JsonString::Start(spec);
    uint64_t count = 0;
    for (size_t k = 0; k < bytes.size(); ++k) {
      if (state.mode == JsonString::kBody && bytes[k] == '"') {
        exits.push_back({bytes.substr(k + 1), id});
        exit_tokens_.push_back(id);
        characters_[i] = static_cast<uint16_t>(count);
        state.mode = JsonString::kClosed;
        break;
      }
      if (!JsonString::Step(dfa, counting, state, count, static_cast<uint8_t>(bytes[k]))) {
        state.mode = JsonString::kClosed;
        break;
      }
    }
    if (state.mode == JsonString::kClosed) continue;
    if (state.mode != JsonString::kBody) ++count;  // a character begun needs room
    characters_[i] = static_cast<uint16_t>(count);
    body[i / 32] |= 1u << (i % 32);
    for (size_t n = count; n <= kCutMasks; ++n) cut[n][i / 32] |= 1u << (i % 32);
    if (count > kCutMasks) long_tokens_.push_back(id);
  }
  std::sort(long_tokens_.begin(), long_tokens_.end(), [&](TokenId a, TokenId b) {
    return characters_[static_cast<size_t>(a)] < characters_[static_cast<size_t>(b)];
  });
  trie_ = TokenTrie(std::move(spellings));
  string_exits_ = TokenTrie(std::move(exits));
  string_body_ = std::make_shared<const std::vector<uint32_t>>(std::move(body));
  for (auto& bits : cut)
    cut_.push_back(std::make_shared<const std::vector<uint32_t>>(std::move(bits)));
}

std::span<const TokenId> VocabularyTables::StringBodyOver(uint32_t n) const {
  const auto fits = [&](TokenId id) { return characters_[static_cast<size_t>(id)] <= n; };
  return {std::partition_point(long_tokens_.begin(), long_tokens_.end(), fits), long_tokens_.end()};
}

VocabularyTables::Bits VocabularyTables::StringBodyUpTo(uint32_t n) const {
  if (n <= kCutMasks) return cut_[n];
  const auto fits = [&](TokenId id) { return characters_[static_cast<size_t>(id)] <= n; };
  const auto end = std::partition_point(long_tokens_.begin(), long_tokens_.end(), fits);
  if (end == long_tokens_.end()) return string_body_;
  auto bits = std::make_shared<std::vector<uint32_t>>(*cut_[kCutMasks]);
  for (auto it = long_tokens_.begin(); it != end; ++it) {
    (*bits)[static_cast<size_t>(*it) / 32] |= 1u << (*it % 32);
  }
  return bits;
}

}  // namespace hearth::grammar
