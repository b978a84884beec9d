#include "grammars/matcher/mask_builder.h"

#include <algorithm>
#include <bit>
#include <functional>
#include <utility>

#include "grammars/matcher/fingerprint.h"

namespace hearth::grammar {

namespace {

// Lists longer than this are stored as bits.
constexpr size_t kLongestList = 2048;

// What is remembered; a kind of closing tokens has a number of its own.
constexpr uint64_t kMaskKind = 0x6d61736b;
constexpr uint64_t kExitsKind = 0x65786974, kWordsKind = 0x776f7264;
constexpr uint64_t kBodyClosing = 1, kGapClosing = 2;  // and so on, by gap

void SetBit(std::vector<uint32_t>& bits, TokenId id) {
  bits[static_cast<size_t>(id) / 32] |= 1u << (id % 32);
}
bool HasBit(const std::vector<uint32_t>& bits, TokenId id) {
  return bits[static_cast<size_t>(id) / 32] >> (id % 32) & 1;
}

std::shared_ptr<const Mask> MaskOfBits(std::vector<uint32_t> bits) {
  auto mask = std::make_shared<Mask>();
  mask->bytes = sizeof(Mask) + bits.size() * sizeof(uint32_t);
  mask->base = std::make_shared<const std::vector<uint32_t>>(std::move(bits));
  return mask;
}

const StringSpec& SpecOf(const Program& program, const Config& string) {
  return program.strings[program.nodes[string.node].a];
}

bool IsStringBody(const Program& program, const Config& config) {
  return config.node != kNoNode && program.nodes[config.node].kind == NodeKind::kString &&
         JsonString::State::Unpack(config.state).mode == JsonString::kBody;
}

// Strings of up to so many characters go on from here whatever they are.
uint64_t SafeLength(const Program& program, const Config& string) {
  const StringSpec& spec = SpecOf(program, string);
  const CharDfa::State chars = JsonString::State::Unpack(string.state).chars;
  const uint64_t safe = program.chars->OpenLength(chars);
  if (spec.max == kNoLimit) return safe;
  const uint64_t left = spec.max - string.extra;
  if (chars == CharDfa::kUniversal) return left;
  return std::min(safe, left > spec.slack ? left - spec.slack : 0);
}

}  // namespace

// Looks under the hash of the set, then of the set and one more frame below each of its configs,
// and so on while there are signposts; what was not found is made, and kept under the hash of
// exactly the frames that making it read.
template <typename Make>
std::shared_ptr<const Mask> MaskBuilder::Recall(uint64_t kind, Machine& machine,
                                                const Machine::Set& set, Make&& make) {
  const MaskMemory& memory = tables_->masks();
  auto& [keys, below] = keys_[nesting_];
  keys.clear();
  below.clear();
  uint64_t key = MixFingerprint(set.size(), kind);
  for (const Config& c : set) {
    key = MixFingerprint(key, machine.LocalHash(c.node, c.state, c.extra));
    below.push_back(c.parent);
  }
  keys.push_back(key);
  const auto deepen = [&] {
    for (FrameIndex& f : keys_[nesting_].below) {
      const Frame& frame = machine.frame(f);
      key = MixFingerprint(key, f == kBottomFrame
                                    ? 0xb0770
                                    : machine.LocalHash(frame.node, frame.state, frame.extra));
      f = frame.parent;
    }
    keys_[nesting_].keys.push_back(key);
  };
  for (;;) {
    MaskMemory::Found found = memory.Find(key);
    if (found.mask != nullptr) {
      const size_t read = keys.size() - 1;
      for (const Config& c : set) {
        const size_t depth = machine.frame(c.parent).depth + size_t{1};
        if (read > 0) machine.NoteRead(static_cast<uint32_t>(depth - std::min(read, depth)));
      }
      return std::move(found.mask);
    }
    if (!found.deeper) break;
    deepen();
  }
  const Machine::Watch outer = machine.BeginWatch();
  ++nesting_;
  auto mask = make();
  --nesting_;
  const uint32_t lowest = machine.EndWatch(outer);
  if (budget_.spent()) return mask;
  size_t needed = 0;
  for (const Config& c : set) {
    const uint32_t depth = machine.frame(c.parent).depth;
    if (lowest <= depth) needed = std::max<size_t>(needed, depth - lowest + 1);
  }
  while (keys.size() <= needed) deepen();
  for (size_t i = 0; i < needed; ++i) memory.PutSignpost(keys[i]);
  memory.Put(keys[needed], mask);
  return mask;
}

std::shared_ptr<const Mask> MaskBuilder::Find(const Vocabulary& vocabulary, Machine& machine,
                                              const Machine::Set& set) {
  vocabulary_ = &vocabulary;
  tables_ = &vocabulary.tables();
  budget_ = WorkBudget(*machine.program().chars, kVisits, kAutomatonWork);
  exact_ = true;
  nesting_ = 0;
  return Recall(kMaskKind, machine, set, [&] { return Compute(machine, set); });
}

std::shared_ptr<const Mask> MaskBuilder::Compute(Machine& machine, const Machine::Set& set) {
  if (levels_.size() <= tables_->far()) levels_.resize(tables_->far() + 1);
  found_.clear();
  base_ = nullptr;
  base_id_ = 0;
  own_bits_ = nullptr;
  overlaps_ = false;
  const Program& program = machine.program();
  const size_t mark = machine.Mark();
  Machine::Set strings, rest;
  for (const Config& c : set) {
    if (c.node == kNoNode) continue;
    const Node& n = program.nodes[c.node];
    if (IsStringBody(program, c)) {
      strings.push_back(c);
      continue;
    }
    overlaps_ = true;
    if (n.kind == NodeKind::kBytes && program.automata[n.a].dense) {
      WalkText(machine, c);
    } else if (!AddStructure(machine, c)) {
      rest.push_back(c);
    }
    machine.Release(mark);
  }
  if (!strings.empty()) AddStrings(machine, strings);
  if (!rest.empty()) Walk(machine, tables_->trie(), TokenTrie::kRoot, rest, 0);
  machine.Release(mark);
  bool can_end = false;
  for (const Config& c : set) {
    if (program.has_tokens) machine.AppendTokens(c, found_);
    can_end = can_end || machine.CanEnd(c);
  }
  machine.Release(mark);
  if (program.has_tokens) {
    std::erase_if(found_, [&](TokenId id) { return !vocabulary_->IsValid(id); });
  }
  if (can_end) AllowAll(vocabulary_->end_tokens());
  budget_.Spend(0);
  if (budget_.spent()) {  // whoever samples must ask Accept
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
  if (own_bits_ == nullptr && base_ != nullptr && base_id_ != 0 && overlaps_) {
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

// Ascending, without duplicates. More than a few ids are faster set and read back as bits than
// sorted; one bit of the summary says that there is something in a word of them.
void MaskBuilder::SortFound() {
  constexpr size_t kFew = 32;
  if (std::is_sorted(found_.begin(), found_.end(), std::less_equal<>())) return;
  if (found_.size() <= kFew) {
    std::sort(found_.begin(), found_.end());
    found_.erase(std::unique(found_.begin(), found_.end()), found_.end());
    return;
  }
  scratch_.resize(std::max(scratch_.size(), (tables_->words() + 1) / 2));
  summary_.resize((scratch_.size() + 63) / 64);
  for (const TokenId id : found_) {
    const size_t word = static_cast<size_t>(id) / 64;
    scratch_[word] |= uint64_t{1} << (id % 64);
    summary_[word / 64] |= uint64_t{1} << (word % 64);
  }
  found_.clear();
  for (size_t s = 0; s < summary_.size(); ++s) {
    for (uint64_t some = std::exchange(summary_[s], 0u); some != 0; some &= some - 1) {
      const size_t word = s * 64 + static_cast<size_t>(std::countr_zero(some));
      for (uint64_t bits = std::exchange(scratch_[word], 0u); bits != 0; bits &= bits - 1) {
        found_.push_back(
            static_cast<TokenId>(word * 64 + static_cast<size_t>(std::countr_zero(bits))));
      }
    }
  }
}

// Strings between two of their characters. Where one of them takes whatever may come, the others
// have nothing to add but the ways on from their ends.
void MaskBuilder::AddStrings(Machine& machine, const Machine::Set& strings) {
  const Program& program = machine.program();
  for (const Config& c : strings) {
    if (SafeLength(program, c) < tables_->far()) continue;
    AddBase(tables_->string_body(), VocabularyTables::kStringBodyBase);
    break;
  }
  const bool complete = base_ == tables_->string_body();
  for (size_t i = 0; i < strings.size(); ++i) {
    const Config& c = strings[i];
    const bool again = std::any_of(strings.begin(), strings.begin() + i, [&](const Config& other) {
      const StringSpec &a = SpecOf(program, c), &b = SpecOf(program, other);
      return other.state == c.state && other.extra == c.extra && a.min == b.min &&
             a.max == b.max && a.slack == b.slack;
    });
    if (!complete && !again) AddInside(program, c);
    const size_t mark = machine.Mark();
    AddClosing(machine, tables_->closing(), kBodyClosing, c);
    machine.Release(mark);
  }
}

// The tokens that stay inside: a ready-made mask where any character may come for as long as it
// matters, else found by the automaton.
void MaskBuilder::AddInside(const Program& program, const Config& string) {
  const StringSpec& spec = SpecOf(program, string);
  const JsonString::State state = JsonString::State::Unpack(string.state);
  const uint64_t safe = SafeLength(program, string);
  const bool universal = state.chars == CharDfa::kUniversal;
  if (!universal && safe < VocabularyTables::kCutMasks) {
    string_walk_.Inside(*tables_, *program.chars, spec, state.chars, string.extra, budget_, found_);
    return;
  }
  const auto characters = static_cast<uint32_t>(std::min<uint64_t>(safe, tables_->far()));
  AddBase(tables_->StringBodyUpTo(characters), 0);
  if (universal) return;
  for (const TokenId token : tables_->StringBodyOver(characters)) {
    JsonString::State s = state;
    uint64_t count = string.extra;
    bool lives = true;
    for (const char c : vocabulary_->Bytes(token)) {
      lives = lives && JsonString::Step(*program.chars, spec, s, count, static_cast<uint8_t>(c));
    }
    if (lives) Allow(token);
  }
}

// The tokens that close the string: what precedes the quote must be a word of it, of a length that
// it may have, and what follows must go on below it.
void MaskBuilder::AddClosing(Machine& machine, const ClosingTokens& closing, uint64_t kind,
                             const Config& string) {
  const Program& program = machine.program();
  const StringSpec& spec = SpecOf(program, string);
  const CharDfa::State chars = JsonString::State::Unpack(string.state).chars;
  const uint64_t left = spec.max == kNoLimit ? UINT64_MAX : spec.max - string.extra;
  const uint64_t need = spec.min > string.extra ? spec.min - string.extra : 0;
  Machine::Set after;
  machine.Resume(string.parent, 0, after);
  const auto exits = Exits(machine, closing, kind, after);
  const auto words = chars == CharDfa::kUniversal ? nullptr
                                                  : Words(*program.chars, closing, kind, chars);
  for (size_t w = 0; w < exits->base->size(); ++w) {
    uint32_t bits = (*exits->base)[w];
    if (words != nullptr) bits &= (*words->base)[w];
    for (; bits != 0; bits &= bits - 1) {
      const size_t number = w * 32 + static_cast<size_t>(std::countr_zero(bits));
      const uint16_t characters = closing.characters[number];
      if (characters >= need && characters <= left) Allow(closing.tokens[number]);
    }
  }
}

std::shared_ptr<const Mask> MaskBuilder::Exits(Machine& machine, const ClosingTokens& closing,
                                               uint64_t kind, const Machine::Set& after) {
  return Recall(kExitsKind + kind, machine, after, [&] {
    std::vector<TokenId> outer;
    outer.swap(found_);
    AllowAll(closing.after.Tokens(TokenTrie::kRoot));
    Walk(machine, closing.after, TokenTrie::kRoot, after, 0);
    std::vector<uint32_t> numbers((closing.tokens.size() + 31) / 32);
    for (const TokenId number : found_) SetBit(numbers, number);
    outer.swap(found_);
    return MaskOfBits(std::move(numbers));
  });
}

std::shared_ptr<const Mask> MaskBuilder::Words(const CharDfa& chars, const ClosingTokens& closing,
                                               uint64_t kind, CharDfa::State state) {
  const uint64_t key = MixFingerprint(kWordsKind + kind, chars.Hash(state));
  MaskMemory::Found found = tables_->masks().Find(key);
  if (found.mask != nullptr) return std::move(found.mask);
  std::vector<uint32_t> numbers((closing.tokens.size() + 31) / 32);
  string_walk_.Words(closing, chars, state, budget_, numbers);
  auto words = MaskOfBits(std::move(numbers));
  if (!budget_.spent()) tables_->masks().Put(key, words);
  return words;
}

// Between two JSON tokens, or at the end of a number (or whatever else has an automaton) after which
// such a place comes. False, and nothing added, for anything else.
bool MaskBuilder::AddStructure(Machine& machine, const Config& config) {
  const Machine::Gap gap = machine.GapOf(config);
  if (gap != Machine::Gap::kNoGap) {
    AddGap(machine, config, gap);
    return true;
  }
  const Node& n = machine.program().nodes[config.node];
  if (n.kind != NodeKind::kBytes) return false;
  const ByteDfa& dfa = machine.program().automata[n.a];
  if (!dfa.accepting[config.state]) return false;
  Machine::Set after;
  machine.Resume(config.parent, 0, after);
  for (const Config& c : after) {
    if (machine.GapOf(c) == Machine::Gap::kNoGap) return false;
  }
  for (const Config& c : after) AddGap(machine, c, machine.GapOf(c));
  ByteSet others;
  for (size_t w = 0; w < 4; ++w) others.words[w] = ~dfa.live[config.state].words[w];
  Walk(machine, tables_->trie(), TokenTrie::kRoot, Machine::Set(config), 0, others);
  return true;
}

// Between two JSON tokens: whitespace; what may follow it; and where that opens a string that takes
// whatever may come, the tokens that go on into it are known.
void MaskBuilder::AddGap(Machine& machine, const Config& config, Machine::Gap where) {
  const Program& program = machine.program();
  const auto number = static_cast<size_t>(where);
  const GapTokens& gap = tables_->gap(number);
  AllowAll(gap.space);
  ByteSet quote;
  Machine::Set opened, others;
  machine.Step(config, '"', opened);
  bool free = false;
  for (const Config& c : opened) {
    if (IsStringBody(program, c) && SafeLength(program, c) >= tables_->far()) {
      if (!free) AllowAll(gap.opening);
      free = true;
      const size_t mark = machine.Mark();
      AddClosing(machine, gap.closing, kGapClosing + number, c);
      machine.Release(mark);
    } else {
      others.push_back(c);
    }
  }
  if (free) {
    quote.Add('"');
    const TokenTrie::NodeId below = gap.after.Child(TokenTrie::kRoot, '"');
    if (!others.empty() && below != TokenTrie::kRoot) {
      AllowAll(gap.after.Tokens(below));
      Walk(machine, gap.after, below, others, 1);
    }
  }
  Walk(machine, gap.after, TokenTrie::kRoot, Machine::Set(config), 0, quote);
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
  for (TokenTrie::NodeId child = node + 1; child < trie.node(node).end;
       child = trie.node(child).end) {
    const uint32_t next = dfa.Next(state, trie.node(child).byte);
    if (next == 0) continue;
    for (TokenId token : trie.Tokens(child)) SetBit(*own_bits_, token);
    if (trie.HasChildren(child)) WalkTextBelow(dfa, child, next);
  }
}

void MaskBuilder::Walk(Machine& machine, const TokenTrie& trie, TokenTrie::NodeId node,
                       const Machine::Set& set, size_t depth, const ByteSet& but) {
  // Strings between two characters swallow whole subtrees: their loops always, and where no string
  // of plain characters this long can die, any.
  constexpr size_t kMaxStrings = 4;
  constexpr size_t kMachineVisit = 8;  // dearer than a visit of StringWalk
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
  for (size_t w = 0; w < live.words.size(); ++w) live.words[w] &= ~but.words[w];
  trie.ForEachChild(node, live, [&](TokenTrie::NodeId child, uint8_t byte) {
    if (budget_.spent()) return;
    const uint64_t bytes = TokenTrie::ClassBit(byte) | trie.node(child).below;
    const uint32_t length = trie.node(child).height + 1u;
    for (size_t i = 0; i < count; ++i) {
      const bool open = strings[i].open >= length && (bytes & ~TokenTrie::kPlainClasses) == 0;
      if (length <= strings[i].room && (open || (bytes & ~strings[i].loops) == 0)) {
        AllowAll(trie.Subtree(child));
        return;
      }
    }
    budget_.Spend(kMachineVisit);
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
