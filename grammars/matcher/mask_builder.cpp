#include "grammars/matcher/mask_builder.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "grammars/matcher/fingerprint.h"

namespace hearth::grammar {

namespace {

// Lists longer than this are stored as bits.
constexpr size_t kLongestList = 2048;

void SetBit(std::vector<uint32_t>& bits, TokenId id) {
  bits[static_cast<size_t>(id) / 32] |= 1u << (id % 32);
}
bool HasBit(const std::vector<uint32_t>& bits, TokenId id) {
  return bits[static_cast<size_t>(id) / 32] >> (id % 32) & 1;
}

}  // namespace

std::shared_ptr<const Mask> MaskBuilder::Find(const Vocabulary& vocabulary, Machine& machine,
                                              const Machine::Set& set) {
  const MaskMemory& memory = vocabulary.tables().masks();
  uint64_t key = MixFingerprint(set.size(), 0x6d61736b);
  for (const Config& c : set) {
    key = MixFingerprint(key, machine.LocalHash(c.node, c.state, c.extra));
  }
  // At each level the key takes in one more frame below every config.
  std::vector<uint64_t> keys{key};
  std::vector<FrameIndex> below;
  for (const Config& c : set) below.push_back(c.parent);
  const auto deepen = [&] {
    for (FrameIndex& f : below) {
      const Frame& frame = machine.frame(f);
      key = MixFingerprint(key, f == kBottomFrame
                                    ? 0xb0770
                                    : machine.LocalHash(frame.node, frame.state, frame.extra));
      f = frame.parent;
    }
    keys.push_back(key);
  };
  exact_ = true;
  for (;;) {
    const MaskMemory::Found found = memory.Find(key);
    if (found.mask != nullptr) return found.mask;
    if (!found.deeper) break;
    deepen();
  }
  auto mask = Compute(vocabulary, machine, set);
  if (!exact_) return mask;
  size_t needed = 0;
  for (const Config& c : set) {
    const uint32_t depth = machine.frame(c.parent).depth;
    if (machine.lowest_read() <= depth) {
      needed = std::max<size_t>(needed, depth - machine.lowest_read() + 1);
    }
  }
  while (keys.size() <= needed) deepen();
  for (size_t i = 0; i < needed; ++i) memory.PutSignpost(keys[i]);
  memory.Put(keys[needed], mask);
  return mask;
}

std::shared_ptr<const Mask> MaskBuilder::Compute(const Vocabulary& vocabulary, Machine& machine,
                                                 const Machine::Set& set) {
  vocabulary_ = &vocabulary;
  tables_ = &vocabulary.tables();
  if (levels_.size() <= tables_->far()) levels_.resize(tables_->far() + 1);
  found_.clear();
  base_ = nullptr;
  base_id_ = 0;
  own_bits_ = nullptr;
  budget_ = kWalkBudget;
  work_limit_ = machine.program().chars->work() + kAutomatonBudget;
  exact_ = true;
  machine.Watch();
  const size_t mark = machine.Mark();
  Machine::Set rest;
  for (const Config& c : set) {
    if (c.node == kNoNode) continue;
    const Node& n = machine.program().nodes[c.node];
    if (n.kind == NodeKind::kString) {
      WalkInside(machine, c);
    } else if (n.kind == NodeKind::kBytes && machine.program().automata[n.a].dense) {
      WalkText(machine, c);
    } else {
      rest.push_back(c);
    }
    machine.Release(mark);
  }
  if (!rest.empty()) Walk(machine, tables_->trie(), TokenTrie::kRoot, rest, 0);
  machine.Release(mark);
  bool can_end = false;
  for (const Config& c : set) {
    if (machine.program().has_tokens) machine.AppendTokens(c, found_);
    can_end = can_end || machine.CanEnd(c);
  }
  machine.Release(mark);
  if (machine.program().chars->work() > work_limit_) budget_ = 0;
  std::erase_if(found_, [&](TokenId id) { return !vocabulary_->IsValid(id); });
  if (can_end) AllowAll(vocabulary_->end_tokens());
  if (budget_ == 0) {  // whoever samples must ask Accept
    exact_ = false;
    found_.clear();
    AllowAll(tables_->trie().Subtree(TokenTrie::kRoot));
    if (can_end) AllowAll(vocabulary_->end_tokens());
  }
  return Finish();
}

void MaskBuilder::AddBase(const VocabularyTables::Bits& bits, uint32_t id) {
  if (base_ == nullptr || base_ == bits) {
    base_ = bits;
    base_id_ = id;
    return;
  }
  if (own_bits_ == nullptr) own_bits_ = std::make_shared<std::vector<uint32_t>>(*base_);
  for (size_t i = 0; i < own_bits_->size(); ++i) (*own_bits_)[i] |= (*bits)[i];
}

std::shared_ptr<const Mask> MaskBuilder::Finish() {
  auto mask = std::make_shared<Mask>();
  if (own_bits_ == nullptr && base_ != nullptr && base_id_ != 0) {
    std::erase_if(found_, [&](TokenId id) { return HasBit(*base_, id); });
  }
  const bool as_bits =
      own_bits_ != nullptr || (base_ != nullptr && base_id_ == 0) || found_.size() > kLongestList;
  if (as_bits) {
    if (own_bits_ == nullptr) {
      own_bits_ = base_ != nullptr ? std::make_shared<std::vector<uint32_t>>(*base_)
                                   : std::make_shared<std::vector<uint32_t>>(tables_->words());
    }
    for (TokenId id : found_) SetBit(*own_bits_, id);
    mask->base = std::move(own_bits_);
    mask->bytes = tables_->words() * sizeof(uint32_t);
  } else {
    SortFound();
    mask->list = found_;
    mask->base = base_;
    mask->base_id = base_id_;
    mask->bytes = found_.size() * sizeof(TokenId);
  }
  mask->bytes += sizeof(Mask);
  return mask;
}

// Ascending, without duplicates. A few hundred ids are faster set and read back as bits than
// sorted.
void MaskBuilder::SortFound() {
  constexpr size_t kFew = 48;
  if (found_.size() <= kFew) {
    std::sort(found_.begin(), found_.end());
    found_.erase(std::unique(found_.begin(), found_.end()), found_.end());
    return;
  }
  scratch_.resize(std::max(scratch_.size(), tables_->words()));
  size_t low = scratch_.size(), high = 0;
  for (TokenId id : found_) {
    const size_t word = static_cast<size_t>(id) / 32;
    scratch_[word] |= 1u << (id % 32);
    low = std::min(low, word);
    high = std::max(high, word);
  }
  found_.clear();
  for (size_t word = low; word <= high; ++word) {
    for (uint32_t bits = std::exchange(scratch_[word], 0u); bits != 0; bits &= bits - 1) {
      found_.push_back(
          static_cast<TokenId>(word * 32 + static_cast<size_t>(std::countr_zero(bits))));
    }
  }
}

// Strings. Between two characters: the tokens that stay inside are a ready-made mask where any
// character may come, else they are found by the automaton; those that close the string are few and
// known. Within a character or an escape, a plain walk.
void MaskBuilder::WalkInside(Machine& machine, const Config& config) {
  const Program& program = machine.program();
  const StringSpec& spec = program.strings[program.nodes[config.node].a];
  const JsonString::State state = JsonString::State::Unpack(config.state);
  if (state.mode != JsonString::kBody) {
    Walk(machine, tables_->trie(), TokenTrie::kRoot, {config}, 0);
    return;
  }
  // Tokens of so few characters can neither die nor outgrow the bound.
  uint64_t safe = program.chars->OpenLength(state.chars);
  if (spec.max != kNoLimit) {
    const uint64_t left = spec.max - config.extra;
    safe = std::min(safe, left > spec.slack ? left - spec.slack : 0);
    if (state.chars == CharDfa::kUniversal) safe = left;
  }
  const bool exact = state.chars == CharDfa::kUniversal;
  if (safe >= tables_->far()) {
    AddBase(tables_->string_body(), VocabularyTables::kStringBodyBase);
  } else if (exact || safe >= VocabularyTables::kCutMasks) {
    AddBase(tables_->StringBodyUpTo(static_cast<uint32_t>(safe)), 0);
    if (!exact) {
      for (TokenId token : tables_->StringBodyOver(static_cast<uint32_t>(safe))) {
        JsonString::State s = state;
        uint64_t count = config.extra;
        bool lives = true;
        for (const char c : vocabulary_->Bytes(token)) {
          lives =
              lives && JsonString::Step(*program.chars, spec, s, count, static_cast<uint8_t>(c));
        }
        if (lives) Allow(token);
      }
    }
  } else {
    WalkString(*program.chars, spec, TokenTrie::kRoot, state, config.extra);
  }
  WalkExits(machine, config);
}

void MaskBuilder::WalkExits(Machine& machine, const Config& config) {
  const Program& program = machine.program();
  const StringSpec& spec = program.strings[program.nodes[config.node].a];
  const JsonString::State state = JsonString::State::Unpack(config.state);
  const uint64_t left = spec.max == kNoLimit ? UINT32_MAX : spec.max - config.extra;
  const uint64_t need = spec.min > config.extra ? spec.min - config.extra : 0;
  Machine::Set after;
  machine.Resume(config.parent, 0, after);
  const size_t before = found_.size();
  AllowAll(tables_->string_exits().Tokens(TokenTrie::kRoot));
  Walk(machine, tables_->string_exits(), TokenTrie::kRoot, after, 0);
  const bool universal = state.chars == CharDfa::kUniversal;
  const auto closes = [&](TokenId token) {
    const uint32_t characters = tables_->CharactersBeforeQuote(token);
    if (characters < need || characters > left) return false;
    if (universal) return true;
    JsonString::State s = state;
    uint64_t count = config.extra;
    for (const char c : vocabulary_->Bytes(token)) {
      if (!JsonString::Step(*program.chars, spec, s, count, static_cast<uint8_t>(c))) return false;
      if (s.mode == JsonString::kClosed) return true;
    }
    return false;
  };
  found_.erase(std::remove_if(found_.begin() + static_cast<std::ptrdiff_t>(before), found_.end(),
                              [&](TokenId token) { return !closes(token); }),
               found_.end());
}

// The tokens that stay inside a string, by its automaton.
void MaskBuilder::WalkString(const CharDfa& chars, const StringSpec& spec, TokenTrie::NodeId node,
                             const JsonString::State& state, uint64_t count) {
  const TokenTrie& trie = tables_->trie();
  const bool in_body = state.mode == JsonString::kBody;
  // Of what lies below, nothing is long enough to meet a bound on the length.
  const bool roomy = spec.max == kNoLimit || count + trie.Height(node) + spec.slack <= spec.max;
  // Up to here the token is whole characters, so it stays inside any string if its rest does.
  const std::vector<uint32_t>& body = *tables_->string_body();
  const auto allow_inside = [&](TokenTrie::NodeId below) {
    for (TokenId token : trie.Subtree(below)) {
      if (HasBit(body, token)) Allow(token);
    }
  };
  if (in_body && roomy && node != TokenTrie::kRoot && chars.Open(state.chars, trie.Height(node))) {
    allow_inside(node);
    return;
  }
  if (node != TokenTrie::kRoot) AllowAll(trie.Tokens(node));
  const uint64_t loops = in_body && roomy ? chars.Loops(state.chars) : 0;
  trie.ForEachChild(node, JsonString::Live(state), [&](TokenTrie::NodeId child, uint8_t byte) {
    if (budget_ == 0) return;
    const uint64_t bytes = TokenTrie::ClassBit(byte) | trie.BytesBelow(child);
    if ((bytes & ~loops) == 0) {
      if ((bytes & TokenTrie::kWideClass) == 0) {
        AllowAll(trie.Subtree(child));
      } else {
        allow_inside(child);
      }
      return;
    }
    --budget_;
    if (chars.work() > work_limit_) budget_ = 0;
    if (in_body && byte == '"') return;
    JsonString::State next = state;
    uint64_t next_count = count;
    if (JsonString::Step(chars, spec, next, next_count, byte)) {
      WalkString(chars, spec, child, next, next_count);
    }
  });
}

// Free text: nearly every token may come. Those that stay inside are found by the automaton alone;
// for the others (they hold a stop string) the text may end anywhere in them, so each is simply
// run.
void MaskBuilder::WalkText(Machine& machine, const Config& config) {
  const Program& program = machine.program();
  const ByteDfa& dfa = program.automata[program.nodes[config.node].a];
  own_bits_ = own_bits_ != nullptr ? own_bits_
              : base_ != nullptr   ? std::make_shared<std::vector<uint32_t>>(*base_)
                                   : std::make_shared<std::vector<uint32_t>>(tables_->words());
  WalkTextBelow(dfa, TokenTrie::kRoot, static_cast<uint32_t>(config.state));
  for (TokenId token : tables_->trie().Subtree(TokenTrie::kRoot)) {
    if (HasBit(*own_bits_, token)) continue;
    const size_t mark = machine.Mark();
    Machine::Set now{config}, next;
    for (const char c : vocabulary_->Bytes(token)) {
      next.clear();
      for (const Config& n : now) machine.Step(n, static_cast<uint8_t>(c), next);
      now.swap(next);
      if (now.empty()) break;
    }
    if (!now.empty()) Allow(token);
    machine.Release(mark);
  }
}

void MaskBuilder::WalkTextBelow(const ByteDfa& dfa, TokenTrie::NodeId node, uint32_t state) {
  const TokenTrie& trie = tables_->trie();
  const TokenTrie::NodeId first = trie.FirstChild(node);
  for (uint32_t i = 0; i < trie.ChildCount(node); ++i) {
    const TokenTrie::NodeId child = first + i;
    const uint32_t next = dfa.Next(state, trie.Byte(child));
    if (next == 0) continue;
    for (TokenId token : trie.Tokens(child)) SetBit(*own_bits_, token);
    if (trie.HasChildren(child)) WalkTextBelow(dfa, child, next);
  }
}

void MaskBuilder::Walk(Machine& machine, const TokenTrie& trie, TokenTrie::NodeId node,
                       const Machine::Set& set, size_t depth) {
  // Strings between two characters swallow whole subtrees: their loops always, and where no string
  // of plain characters this long can die, any.
  constexpr size_t kMaxStrings = 4;
  const Program& program = machine.program();
  struct {
    uint64_t loops;
    uint32_t open;  // bytes
    uint64_t room;
  } strings[kMaxStrings];
  size_t count = 0;
  ByteSet live;
  for (const Config& c : set) {
    machine.Live(c, live);
    if (c.node == kNoNode || count == kMaxStrings) continue;
    const Node& n = program.nodes[c.node];
    if (n.kind != NodeKind::kString) continue;
    const StringSpec& spec = program.strings[n.a];
    const auto state = JsonString::State::Unpack(c.state);
    if (state.mode != JsonString::kBody) continue;
    const uint64_t room = spec.max == kNoLimit              ? UINT64_MAX
                          : spec.max > c.extra + spec.slack ? spec.max - c.extra - spec.slack
                                                            : 0;
    strings[count++] = {program.chars->Loops(state.chars) & TokenTrie::kPlainClasses,
                        program.chars->OpenLength(state.chars), room};
  }
  trie.ForEachChild(node, live, [&](TokenTrie::NodeId child, uint8_t byte) {
    if (budget_ == 0) return;
    const uint64_t bytes = TokenTrie::ClassBit(byte) | trie.BytesBelow(child);
    const uint32_t length = trie.Height(child) + 1;
    for (size_t i = 0; i < count; ++i) {
      const bool open = strings[i].open >= length && (bytes & ~TokenTrie::kPlainClasses) == 0;
      if (length <= strings[i].room && (open || (bytes & ~strings[i].loops) == 0)) {
        AllowAll(trie.Subtree(child));
        return;
      }
    }
    --budget_;
    const size_t mark = machine.Mark();
    Machine::Set& next = levels_[depth];
    next.clear();
    for (const Config& c : set) machine.Step(c, byte, next);
    if (!next.empty()) {
      AllowAll(trie.Tokens(child));
      if (trie.HasChildren(child)) Walk(machine, trie, child, next, depth + 1);
    }
    machine.Release(mark);
  });
}

}  // namespace hearth::grammar
