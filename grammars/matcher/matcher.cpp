#include "grammars/matcher.h"

#include <algorithm>

#include "grammars/matcher/matcher_state.h"

namespace hearth::grammar {

MatcherState::MatcherState(std::shared_ptr<const CompiledGrammar> g,
                           std::shared_ptr<const Vocabulary> v)
    : grammar(std::move(g)),
      vocabulary(std::move(v)),
      machine(grammar->program(), vocabulary == nullptr ? 1u : vocabulary->tables().far()) {
  configs.push_back(machine.Start());
  history.push_back({0, machine.Mark(), false});
}

void MatcherState::Commit(const Machine::Set& set, bool ended) {
  history.push_back({configs.size(), machine.Mark(), ended});
  configs.insert(configs.end(), set.begin(), set.end());
}

Matcher::Matcher(std::shared_ptr<const CompiledGrammar> grammar,
                 std::shared_ptr<const Vocabulary> vocabulary)
    : state_(std::make_unique<MatcherState>(std::move(grammar), std::move(vocabulary))) {}
Matcher::~Matcher() = default;
Matcher::Matcher(const Matcher& other) : state_(std::make_unique<MatcherState>(*other.state_)) {}
Matcher::Matcher(Matcher&& other) noexcept = default;
Matcher& Matcher::operator=(Matcher other) noexcept {
  state_.swap(other.state_);
  return *this;
}

Status Matcher::FillMask(TokenSet& out) {
  MatcherState& s = *state_;
  if (s.vocabulary == nullptr) {
    return MakeError(ErrorCode::kInvalidArgument, "grammar: a mask needs a vocabulary");
  }
  if (ended()) return MakeError(ErrorCode::kConflict, "grammar: the text has ended");
  thread_local MaskBuilder builder;  // scratch memory alone
  s.mask = builder.Find(*s.vocabulary, s.machine, s.Current());
  s.exact = builder.exact();
  const Mask& mask = *s.mask;
  out = {};
  if (mask.base == nullptr) {
    if (mask.list.empty()) {
      return MakeError(ErrorCode::kUnsupported,
                       "grammar: no token of this vocabulary can continue the text");
    }
    out.kind = mask.list.size() == 1 ? TokenSet::Kind::kOne : TokenSet::Kind::kList;
    out.one = mask.list[0];
    out.list = mask.list;
    return {};
  }
  out.kind = mask.base_id != 0 ? TokenSet::Kind::kBaseAndList : TokenSet::Kind::kBitmask;
  out.base_id = mask.base_id;
  out.bits = *mask.base;
  out.list = mask.list;
  return {};
}

Status Matcher::FillBitmask(std::span<uint32_t> out) {
  TokenSet set;
  HEARTH_CHECK_OK(FillMask(set));
  set.ToBitmask(out);
  return {};
}

Result<std::span<const uint32_t>> Matcher::FillBitmask(BitmaskBuffer& buffer) {
  TokenSet set;
  HEARTH_CHECK_OK(FillMask(set));
  return buffer.Write(set, state_->vocabulary->mask_words());
}

std::span<const uint32_t> BitmaskBuffer::Write(const TokenSet& set, size_t words) {
  if (set.kind == TokenSet::Kind::kBitmask) return set.bits.first(std::min(words, set.bits.size()));
  const bool based = set.kind == TokenSet::Kind::kBaseAndList;
  Kept& kept = based ? based_ : sparse_;
  if (kept.bits.size() != words ||
      (based && (kept.base != set.bits.data() || kept.base_id != set.base_id))) {
    kept.bits.assign(words, 0);
    if (based) std::copy_n(set.bits.begin(), std::min(words, set.bits.size()), kept.bits.begin());
    kept.base = based ? set.bits.data() : nullptr;
    kept.base_id = set.base_id;
    kept.added.clear();
  }
  const std::span<const TokenId> list =
      set.kind == TokenSet::Kind::kOne ? std::span<const TokenId>(&set.one, 1) : set.list;
  if (std::equal(list.begin(), list.end(), kept.added.begin(), kept.added.end())) return kept.bits;
  for (TokenId id : kept.added) kept.bits[static_cast<size_t>(id) / 32] &= ~(1u << (id % 32));
  kept.added.assign(list.begin(), list.end());
  for (TokenId id : list) kept.bits[static_cast<size_t>(id) / 32] |= 1u << (id % 32);
  return kept.bits;
}

bool Matcher::mask_is_exact() const { return state_->exact; }

bool Matcher::AcceptBytes(std::string_view bytes) {
  MatcherState& s = *state_;
  if (ended()) return false;
  const size_t mark = s.machine.Mark();
  Machine::Set now = s.Current(), next;
  for (const char byte : bytes) {
    next.clear();
    for (const Config& c : now) s.machine.Step(c, static_cast<uint8_t>(byte), next);
    now.swap(next);
    if (now.empty() || now.size() > MatcherState::kMaxConfigs) {
      s.machine.Release(mark);
      return false;
    }
  }
  s.Commit(now, false);
  return true;
}

bool Matcher::Accept(TokenId token) {
  MatcherState& s = *state_;
  if (s.vocabulary == nullptr || !s.vocabulary->IsValid(token) || ended()) return false;
  if (s.vocabulary->IsText(token) && AcceptBytes(s.vocabulary->Bytes(token))) return true;
  const size_t mark = s.machine.Mark();
  Machine::Set next;
  if (s.grammar->program().has_tokens) {
    for (const Config& c : s.Current()) s.machine.StepToken(c, token, next);
    if (!next.empty()) {
      s.Commit(next, false);
      return true;
    }
  }
  s.machine.Release(mark);
  if (!s.vocabulary->IsEnd(token) || !CanEnd()) return false;
  s.Commit(s.Current(), true);
  return true;
}

void Matcher::Rollback(size_t n) {
  MatcherState& s = *state_;
  n = std::min(n, s.history.size() - 1);
  if (n == 0) return;
  s.configs.resize(s.history[s.history.size() - n].begin);
  s.history.resize(s.history.size() - n);
  s.machine.Release(s.history.back().frames);
}

size_t Matcher::steps() const { return state_->history.size() - 1; }

size_t Matcher::AllowedPrefix(std::span<const TokenId> draft) {
  size_t taken = 0;
  while (taken < draft.size() && Accept(draft[taken])) ++taken;
  Rollback(taken);
  return taken;
}

std::string Matcher::ForcedBytes(size_t limit) {
  MatcherState& s = *state_;
  std::string out;
  if (ended()) return out;
  const size_t mark = s.machine.Mark();
  Machine::Set now = s.Current();
  while (out.size() < limit) {
    ByteSet live;
    bool stop = false;
    std::vector<TokenId> tokens;
    for (const Config& c : now) {
      s.machine.Live(c, live);
      stop = stop || s.machine.CanEnd(c);
      if (s.grammar->program().has_tokens) s.machine.AppendTokens(c, tokens);
    }
    if (stop || !tokens.empty()) break;
    Machine::Set next, only;
    int found = -1;
    for (int byte = 0; byte < 256 && !stop; ++byte) {
      if (!live.Has(static_cast<uint8_t>(byte))) continue;
      next.clear();
      for (const Config& c : now) s.machine.Step(c, static_cast<uint8_t>(byte), next);
      if (next.empty()) continue;
      stop = found >= 0;
      found = byte;
      only = next;
    }
    if (stop || found < 0) break;
    out += static_cast<char>(found);
    now = std::move(only);
  }
  s.machine.Release(mark);
  return out;
}

bool Matcher::CanEnd() {
  MatcherState& s = *state_;
  const size_t mark = s.machine.Mark();
  bool can = false;
  for (const Config& c : s.Current()) can = can || s.machine.CanEnd(c);
  s.machine.Release(mark);
  return can;
}

bool Matcher::ended() const { return state_->history.back().ended; }

const CompiledGrammar& Matcher::grammar() const { return *state_->grammar; }

}  // namespace hearth::grammar
