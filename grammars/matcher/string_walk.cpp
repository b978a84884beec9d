#include "grammars/matcher/string_walk.h"

#include <algorithm>

namespace hearth::grammar {

namespace {

// What a state does to all strings of a kind costs a look at each class of characters; smaller
// subtrees are cheaper walked.
constexpr uint32_t kWorthLooking = 48;

bool IsPlain(uint8_t byte) { return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\'; }

}  // namespace

void StringWalk::Inside(const VocabularyTables& tables, const CharDfa& chars,
                        const StringSpec& spec, CharDfa::State start, uint64_t start_count,
                        WorkBudget& budget, std::vector<TokenId>& out) {
  const TokenTrie& trie = tables.trie();
  const std::vector<uint32_t>& body = *tables.string_body();
  levels_.resize(std::max<size_t>(levels_.size(), tables.far() + 1));
  levels_[0] = {{start, JsonString::kBody, 0, 0, 0}, start_count, chars.Loops(start),
                chars.RunOf(start), true};
  // Of what begins after whole characters, the tokens that stay inside any string.
  const auto allow_inside = [&](TokenTrie::NodeId node, uint64_t bytes) {
    const std::span<const TokenId> all = trie.Subtree(node);
    if ((bytes & ~TokenTrie::kPlainClasses) == 0) {
      out.insert(out.end(), all.begin(), all.end());
      return;
    }
    for (const TokenId id : all) {
      if (body[static_cast<size_t>(id) / 32] >> (id % 32) & 1) out.push_back(id);
    }
  };
  // Whether nothing of so many characters is long enough to meet the bound.
  const auto roomy = [&](uint64_t count, uint32_t length) {
    return spec.max == kNoLimit || count + length + spec.slack <= spec.max;
  };
  uint32_t visits = 0;
  for (TokenTrie::NodeId at = 1; at < trie.size();) {
    const TokenTrie::Node& n = trie.node(at);
    Level& up = levels_[n.depth - 1];
    Level& here = levels_[n.depth];
    const bool in_body = up.state.mode == JsonString::kBody;
    const uint64_t bytes = TokenTrie::ClassBit(n.byte) | n.below;
    const bool stays = (bytes & ~up.loops) == 0 ||
                       ((bytes & ~up.run.classes) == 0 && n.height < up.run.length);
    if (stays && roomy(up.count, n.height + 1u)) {
      allow_inside(at, bytes);
      at = n.end;
      continue;
    }
    if (++visits % 64 == 0 && !budget.Spend(64)) return;
    // All characters that begin with this byte lead to one state.
    if (in_body && (TokenTrie::ClassBit(n.byte) & TokenTrie::kWideClass) != 0) {
      const CharDfa::State next = chars.WideNext(up.state.chars);
      if (next == CharDfa::kDead ||
          (next != CharDfa::kMixed && roomy(up.count, n.height + 1u) &&
           (n.below & ~chars.Loops(next)) == 0)) {
        if (next != CharDfa::kDead) allow_inside(at, bytes);
        at = n.end;
        continue;
      }
    }
    bool lives;
    if (in_body && IsPlain(n.byte)) {
      const CharDfa::State next = chars.Step(up.state.chars, n.byte);
      here.count = up.count + (spec.max != kNoLimit || up.count < spec.min);
      here.state = {next, JsonString::kBody, 0, 0, 0};
      lives = next != CharDfa::kDead && up.count < spec.max &&
              here.count + chars.Shortest(next) <= spec.max;
    } else if (in_body && n.byte == '"') {
      lives = false;
    } else {
      here.state = up.state;
      here.count = up.count;
      lives = JsonString::Step(chars, spec, here.state, here.count, n.byte);
    }
    if (!lives) {
      at = n.end;
      continue;
    }
    here.loops = 0;
    here.run = {};
    here.looked = false;
    if (here.state.mode == JsonString::kBody && n.end - at > 1) {
      if (in_body && here.state.chars == up.state.chars) {
        here.loops = up.loops;
        here.run = up.run;
        here.looked = up.looked;
      } else if (n.end - at >= kWorthLooking || chars.LoopsKnown(here.state.chars)) {
        here.loops = chars.Loops(here.state.chars);
        here.run = chars.RunOf(here.state.chars);
        here.looked = true;
      }
      if (here.looked && roomy(here.count, n.height) &&
          chars.Open(here.state.chars, n.height)) {
        allow_inside(at, bytes);
        at = n.end;
        continue;
      }
    }
    const std::span<const TokenId> own = trie.Tokens(at);
    out.insert(out.end(), own.begin(), own.end());
    ++at;
  }
}

void StringWalk::Words(const ClosingTokens& closing, const CharDfa& chars, CharDfa::State start,
                       WorkBudget& budget, std::vector<uint32_t>& numbers) {
  const TokenTrie& trie = closing.before;
  const StringSpec any_length;
  const auto mark = [&](std::span<const TokenId> some) {
    for (const TokenId number : some) numbers[static_cast<size_t>(number) / 32] |= 1u << number % 32;
  };
  if (chars.Accepting(start)) mark(trie.Tokens(TokenTrie::kRoot));
  size_t deepest = 0;
  deepest = trie.node(TokenTrie::kRoot).height;
  levels_.resize(std::max(levels_.size(), deepest + 1));
  levels_[0].state = {start, JsonString::kBody, 0, 0, 0};
  for (TokenTrie::NodeId at = 1; at < trie.size();) {
    const TokenTrie::Node& n = trie.node(at);
    JsonString::State& state = levels_[n.depth].state;
    state = levels_[n.depth - 1].state;
    uint64_t count = 0;
    if (!budget.Spend(1)) return;
    if (!JsonString::Step(chars, any_length, state, count, n.byte)) {
      at = n.end;
      continue;
    }
    if (state.mode == JsonString::kBody) {
      if (state.chars == CharDfa::kUniversal) {
        mark(trie.Subtree(at));
        at = n.end;
        continue;
      }
      if (chars.Accepting(state.chars)) mark(trie.Tokens(at));
    }
    ++at;
  }
}

}  // namespace hearth::grammar
