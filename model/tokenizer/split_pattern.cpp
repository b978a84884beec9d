#include "model/tokenizer/split_pattern.h"

#include <cassert>
#include <limits>
#include <string>
#include <utility>

#include "model/tokenizer/character_class.h"
#include "model/tokenizer/utf8.h"

namespace hearth::model {
namespace {

constexpr size_t kNone = std::numeric_limits<size_t>::max();

uint32_t CategoryBits(std::string_view name) {
  static constexpr std::string_view kNames =
      "LuLlLtLmLoMnMcMeNdNlNoPcPdPsPePiPfPoSmScSkSoZsZlZpCcCfCsCoCn";
  uint32_t bits = 0;
  for (size_t i = 0; i < kNames.size(); i += 2) {
    if (kNames.substr(i, name.size()) == name) bits |= 1u << (i / 2);
  }
  assert(bits != 0);
  return bits;
}

}  // namespace

struct SplitPattern::Alternatives {
  struct Item {
    enum class Kind : uint8_t { kClass, kAhead, kNotAhead, kEnd, kGroup };
    Kind kind = Kind::kClass;
    CharacterClass set;
    std::unique_ptr<const Alternatives> group;
    size_t least = 1, most = 1;
  };
  std::vector<std::vector<Item>> sequences;

  // The end of the match that begins at `at`, or kNone.
  size_t Match(std::span<const TextCharacter> text, size_t at, size_t end) const {
    for (const std::vector<Item>& sequence : sequences) {
      const size_t found = MatchRest(sequence, text, at, end);
      if (found != kNone) return found;
    }
    return kNone;
  }

 private:
  static size_t MatchRest(std::span<const Item> items, std::span<const TextCharacter> text,
                          size_t at, size_t end) {
    if (items.empty()) return at;
    const Item& item = items.front();
    const std::span<const Item> rest = items.subspan(1);
    const auto contains = [&](size_t i) {
      return item.set.Contains(text[i].code_point, text[i].category);
    };
    switch (item.kind) {
      case Item::Kind::kAhead:
        return at < end && contains(at) ? MatchRest(rest, text, at, end) : kNone;
      case Item::Kind::kNotAhead:
        return at < end && contains(at) ? kNone : MatchRest(rest, text, at, end);
      case Item::Kind::kEnd:
        return at == end ? MatchRest(rest, text, at, end) : kNone;
      case Item::Kind::kGroup: {
        const size_t after = item.group->Match(text, at, end);
        if (after != kNone) return MatchRest(rest, text, after, end);
        return item.least == 0 ? MatchRest(rest, text, at, end) : kNone;
      }
      case Item::Kind::kClass:
        break;
    }
    size_t longest = at;
    while (longest < end && longest - at < item.most && contains(longest)) ++longest;
    for (size_t stop = longest; stop >= at + item.least; --stop) {
      const size_t found = MatchRest(rest, text, stop, end);
      if (found != kNone) return found;
      if (stop == 0) break;
    }
    return kNone;
  }
};

namespace {

// Recursive descent over a pattern.
template <typename Alternatives>
class PatternParser {
  using Item = typename Alternatives::Item;

 public:
  explicit PatternParser(std::string_view pattern) : rest_(pattern) {}

  Alternatives ParseAll() {
    Alternatives all = ParseAlternatives();
    assert(rest_.empty());
    return all;
  }

 private:
  bool Take(std::string_view text) {
    if (!rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }

  uint32_t TakeCharacter() {
    assert(!rest_.empty());
    const Utf8Step step = DecodeUtf8(rest_);
    rest_.remove_prefix(step.length);
    return step.code_point;
  }

  size_t TakeNumber() {
    size_t number = 0;
    while (!rest_.empty() && rest_[0] >= '0' && rest_[0] <= '9') {
      number = number * 10 + static_cast<size_t>(TakeCharacter() - '0');
    }
    return number;
  }

  Alternatives ParseAlternatives() {
    Alternatives all;
    do {
      std::vector<Item>& sequence = all.sequences.emplace_back();
      while (!rest_.empty() && rest_[0] != '|' && rest_[0] != ')') sequence.push_back(ParseItem());
    } while (Take("|"));
    return all;
  }

  Item ParseItem() {
    Item item;
    if (Take("(?=")) {
      return ParseAhead(Item::Kind::kAhead);
    } else if (Take("(?!")) {
      return ParseAhead(Item::Kind::kNotAhead);
    } else if (Take("$")) {
      item.kind = Item::Kind::kEnd;
      return item;
    } else if (Take("(?:")) {
      item.kind = Item::Kind::kGroup;
      item.group = std::make_unique<const Alternatives>(ParseAlternatives());
      [[maybe_unused]] const bool closed = Take(")");
      assert(closed);
    } else {
      item.set = ParseClass();
    }
    ParseQuantifier(item);
    assert(item.kind == Item::Kind::kClass || item.most == 1);
    return item;
  }

  Item ParseAhead(typename Item::Kind kind) {
    Item item;
    item.kind = kind;
    item.set = ParseClass();
    [[maybe_unused]] const bool closed = Take(")");
    assert(closed);
    return item;
  }

  void ParseQuantifier(Item& item) {
    if (Take("?")) {
      item.least = 0;
    } else if (Take("*")) {
      item.least = 0;
      item.most = kNone;
    } else if (Take("+")) {
      item.most = kNone;
    } else if (Take("{")) {
      item.least = item.most = TakeNumber();
      if (Take(",")) item.most = TakeNumber();
      [[maybe_unused]] const bool closed = Take("}");
      assert(closed);
    }
  }

  // A single character, an escape, or […].
  CharacterClass ParseClass() {
    CharacterClass set;
    if (!Take("[")) {
      AddElement(set);
    } else {
      const bool negated = Take("^");
      while (!Take("]")) AddElement(set);
      if (negated) set.Negate();
    }
    set.Freeze();
    return set;
  }

  void AddElement(CharacterClass& set) {
    if (Take("\\p{")) {
      const size_t close = rest_.find('}');
      assert(close != std::string_view::npos);
      set.AddCategories(CategoryBits(rest_.substr(0, close)));
      rest_.remove_prefix(close + 1);
    } else if (Take("\\s")) {
      set.AddWhiteSpace();
    } else if (Take("\\S")) {
      set.AddWhiteSpace();
      set.Negate();
    } else if (Take("\\d")) {
      set.AddCategories(CategoryBits("Nd"));
    } else {
      const uint32_t first = TakeLiteral();
      const bool is_range = rest_.size() > 1 && rest_[0] == '-' && rest_[1] != ']';
      if (is_range) rest_.remove_prefix(1);
      set.AddRange(first, is_range ? TakeLiteral() : first);
    }
  }

  uint32_t TakeLiteral() {
    if (Take("\\r")) return '\r';
    if (Take("\\n")) return '\n';
    if (Take("\\t")) return '\t';
    Take("\\");
    return TakeCharacter();
  }

  std::string_view rest_;
};

}  // namespace

SplitPattern::SplitPattern(std::string_view pattern)
    : root_(std::make_unique<const Alternatives>(PatternParser<Alternatives>(pattern).ParseAll())) {
}
SplitPattern::SplitPattern(SplitPattern&&) noexcept = default;
SplitPattern& SplitPattern::operator=(SplitPattern&&) noexcept = default;
SplitPattern::~SplitPattern() = default;

void SplitPattern::Split(std::span<const TextCharacter> text, size_t begin, size_t end,
                         std::vector<size_t>& piece_ends) const {
  size_t piece = begin;  // where the text begins that no match has taken
  size_t at = begin;
  while (at < end) {
    const size_t after = root_->Match(text, at, end);
    if (after == kNone || after == at) {
      ++at;
      continue;
    }
    if (at > piece) piece_ends.push_back(at);
    piece_ends.push_back(after);
    piece = at = after;
  }
  if (end > piece) piece_ends.push_back(end);
}

}  // namespace hearth::model
