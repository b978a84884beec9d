#include "grammars/matcher/vocabulary_tables.h"

#include <algorithm>

#include "grammars/matcher/json_string.h"
#include "grammars/matcher/whitespace.h"

namespace hearth::grammar {

namespace {

constexpr size_t kMaskMemoryBytes = size_t{40} << 20;

// Runs bytes through the body of a string of any characters.
class BodyReader {
 public:
  enum class End : uint8_t { kDies, kInside, kCloses };
  struct Reading {
    End end;
    uint16_t characters;  // one that is cut off at the end counts
    size_t quote;         // where the closing quote is
  };

  BodyReader() : dfa_(std::make_unique<ExpressionStore>(), {}) {
    spec_.in_body = true;
    spec_.min = UINT32_MAX - 1;  // makes the automaton count
  }
  Reading Read(std::string_view bytes) const {
    JsonString::State state = JsonString::Start(spec_);
    uint64_t count = 0;
    for (size_t k = 0; k < bytes.size(); ++k) {
      if (state.mode == JsonString::kBody && bytes[k] == '"') {
        return {End::kCloses, static_cast<uint16_t>(count), k};
      }
      if (!JsonString::Step(dfa_, spec_, state, count, static_cast<uint8_t>(bytes[k]))) {
        return {End::kDies, 0, 0};
      }
    }
    if (state.mode != JsonString::kBody) ++count;
    return {End::kInside, static_cast<uint16_t>(count), 0};
  }

 private:
  CharDfa dfa_;
  StringSpec spec_{.start = CharDfa::kUniversal};
};

class ClosingCollector {
 public:
  // Tokens come in ascending order; `body` begins inside the string.
  void Add(TokenId token, std::string_view body, const BodyReader::Reading& reading) {
    const auto number = static_cast<TokenId>(out_.tokens.size());
    out_.tokens.push_back(token);
    out_.characters.push_back(reading.characters);
    before_.push_back({body.substr(0, reading.quote), number});
    after_.push_back({body.substr(reading.quote + 1), number});
  }
  ClosingTokens Take() && {
    out_.before = TokenTrie(std::move(before_));
    out_.after = TokenTrie(std::move(after_));
    return std::move(out_);
  }

 private:
  ClosingTokens out_;
  std::vector<TokenTrie::Spelling> before_, after_;
};

// Everything that begins a JSON token or comes between two; words are told by two letters.
bool MayFollowGap(std::string_view text) {
  constexpr std::string_view kWords[] = {"true", "false", "null"};
  for (const std::string_view word : kWords) {
    const size_t common = std::min(word.size(), text.size());
    if (text.substr(0, common) == word.substr(0, common)) return true;
  }
  return std::string_view("\"{}[],:-0123456789").find(text[0]) != std::string_view::npos;
}

GapTokens MakeGap(const Vocabulary& vocabulary, const BodyReader& reader, int start) {
  GapTokens gap;
  std::vector<TokenTrie::Spelling> after;
  ClosingCollector closing;
  for (size_t i = 0; i < vocabulary.size(); ++i) {
    const auto id = static_cast<TokenId>(i);
    if (!vocabulary.IsText(id)) continue;
    const std::string_view bytes = vocabulary.Bytes(id);
    size_t k = 0;
    int space = start;
    while (k < bytes.size() && space >= 0 && IsJsonSpace(static_cast<uint8_t>(bytes[k]))) {
      space = StepSpace(space, static_cast<uint8_t>(bytes[k++]));
    }
    if (space < 0) continue;
    if (k == bytes.size()) {
      gap.space.push_back(id);
      continue;
    }
    const std::string_view rest = bytes.substr(k);
    if (!SpaceMayEnd(space) || !MayFollowGap(rest)) continue;
    after.push_back({rest, id});
    if (rest[0] != '"') continue;
    const std::string_view body = rest.substr(1);
    const BodyReader::Reading reading = reader.Read(body);
    if (reading.end == BodyReader::End::kInside) gap.opening.push_back(id);
    if (reading.end == BodyReader::End::kCloses) closing.Add(id, body, reading);
  }
  gap.after = TokenTrie(std::move(after));
  gap.closing = std::move(closing).Take();
  return gap;
}

}  // namespace

VocabularyTables::VocabularyTables(const Vocabulary& vocabulary)
    : words_(vocabulary.mask_words()), masks_(kMaskMemoryBytes) {
  std::vector<TokenTrie::Spelling> spellings;
  std::vector<std::vector<uint32_t>> cut(kCutMasks + 1, std::vector<uint32_t>(words_));
  std::vector<uint32_t> body(words_);
  characters_.assign(vocabulary.size(), 0);
  const BodyReader reader;
  ClosingCollector closing;
  for (size_t i = 0; i < vocabulary.size(); ++i) {
    const auto id = static_cast<TokenId>(i);
    if (!vocabulary.IsText(id)) continue;
    const std::string_view bytes = vocabulary.Bytes(id);
    spellings.push_back({bytes, id});
    far_ = std::max(far_, static_cast<uint32_t>(bytes.size()) + 1);
    const BodyReader::Reading reading = reader.Read(bytes);
    if (reading.end == BodyReader::End::kCloses) closing.Add(id, bytes, reading);
    if (reading.end != BodyReader::End::kInside) continue;
    characters_[i] = reading.characters;
    body[i / 32] |= 1u << (i % 32);
    for (size_t n = reading.characters; n <= kCutMasks; ++n) cut[n][i / 32] |= 1u << (i % 32);
    if (reading.characters > kCutMasks) long_tokens_.push_back(id);
  }
  std::sort(long_tokens_.begin(), long_tokens_.end(), [&](TokenId a, TokenId b) {
    return characters_[static_cast<size_t>(a)] < characters_[static_cast<size_t>(b)];
  });
  trie_ = TokenTrie(std::move(spellings));
  closing_ = std::move(closing).Take();
  string_body_ = std::make_shared<const std::vector<uint32_t>>(std::move(body));
  for (auto& bits : cut)
    cut_.push_back(std::make_shared<const std::vector<uint32_t>>(std::move(bits)));
  constexpr int kStarts[kGaps] = {kSpaceNone, kSpaceLine, kSpaceBlank};
  for (size_t i = 0; i < kGaps; ++i) gaps_[i] = MakeGap(vocabulary, reader, kStarts[i]);
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
