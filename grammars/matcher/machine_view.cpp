// What can be said of a config without a step: the bytes that may come, whether the text may end,
// and the hash of all that a mask can depend on.
#include <algorithm>

#include "grammars/matcher/fingerprint.h"
#include "grammars/matcher/json_string.h"
#include "grammars/matcher/machine.h"
#include "grammars/matcher/machine_state.h"
#include "grammars/matcher/whitespace.h"

namespace hearth::grammar {

namespace {

void LiteralLive(const LiteralSet& set, const LiteralState& s, ByteSet& out) {
  for (uint64_t i = s.low; i < s.high;) {
    if (set.entries[i].size() == s.depth) {
      ++i;
      continue;
    }
    const auto byte = static_cast<uint8_t>(set.entries[i][s.depth]);
    out.Add(byte);
    LiteralState next{i, s.high, s.depth};
    Narrow(set, next, byte);
    i = std::max(next.high, i + 1);
  }
}

}  // namespace

void Machine::Live(const Config& config, ByteSet& out) {
  if (config.node == kNoNode) return;
  const Node& n = program_->nodes[config.node];
  const auto below = [&](uint32_t outcome) {
    Set next;
    Resume(config.parent, outcome, next);
    for (const Config& c : next) Live(c, out);
  };
  switch (n.kind) {
    case NodeKind::kLiterals: {
      const LiteralSet& set = program_->literals[n.a];
      const LiteralState s = LiteralState::Unpack(config.state);
      LiteralLive(set, s, out);
      if (s.low < s.high && set.entries[s.low].size() == s.depth) below(set.outcomes[s.low]);
      return;
    }
    case NodeKind::kKeys:
      LiteralLive(program_->literals[program_->objects[n.a].keys],
                  LiteralState::Unpack(config.state), out);
      return;
    case NodeKind::kBytes: {
      const ByteDfa& dfa = program_->automata[n.a];
      out.Add(dfa.live[config.state]);
      if (dfa.accepting[config.state]) below(0);
      return;
    }
    case NodeKind::kString:
      out.Add(JsonString::Live(JsonString::State::Unpack(config.state)));
      return;
    case NodeKind::kText: {
      const auto state = JsonString::State::Unpack(config.state);
      const StringSpec& spec = program_->strings[n.a];
      JsonString::LiveText(*program_->chars, spec, state, config.extra, out);
      if (JsonString::TextMayEnd(*program_->chars, spec, state, config.extra)) below(0);
      return;
    }
    case NodeKind::kChoice:
      out.Add(n.first);
      if (n.nullable) below(0);
      return;
    case NodeKind::kSequence: {
      for (auto i = static_cast<uint32_t>(config.state); i < n.b; ++i) {
        const Node& child = program_->nodes[program_->Child(n, i)];
        out.Add(child.first);
        if (!child.nullable) return;
      }
      below(0);
      return;
    }
    case NodeKind::kRepeat:
      if (config.state < n.c) out.Add(program_->nodes[n.a].first);
      if (config.state >= n.b || program_->nodes[n.a].nullable) below(0);
      return;
    case NodeKind::kObject:
    case NodeKind::kArray: {
      const bool object = n.kind == NodeKind::kObject;
      const uint64_t phase = PhaseOf(config.state);
      if (phase == kPhaseOpen) {
        out.Add(object ? '{' : '[');
        return;
      }
      const auto space = static_cast<int>(SpaceOf(config.state));
      if (WantsBlank(config)) {
        out.Add(' ');
        return;
      }
      if (program_->spacing == Spacing::kAny) LiveSpace(space, out);
      if (!SpaceMayEnd(space)) return;
      if (phase == kPhaseAfterValue) out.Add(',');
      if (phase == kPhaseFirst || phase == kPhaseAfterValue) out.Add(object ? '}' : ']');
      if (object) {
        const ObjectSpec& spec = program_->objects[n.a];
        if (phase == kPhaseFirst || phase == kPhaseNext) out.Add('"');
        if (phase == kPhaseColon) out.Add(':');
        if (phase == kPhaseValue) {
          const uint64_t value = ValueOf(config.state);
          out.Add(program_
                      ->nodes[value & kExtraValue ? spec.extras[value & ~kExtraValue].value
                                                  : spec.properties[value].value]
                      .first);
        }
      } else if (phase == kPhaseFirst || phase == kPhaseNext) {
        LiveArrayItem(program_->arrays[n.a], config, out);
      }
      return;
    }
    default:
      return;
  }
}

void Machine::LiveArrayItem(const ArraySpec& spec, const Config& config, ByteSet& out) {
  if (!spec.unique.empty()) {
    for (NodeIndex value : spec.unique) out.Add(program_->nodes[value].first);
    return;
  }
  const uint64_t items = ItemsOf(config.state);
  const NodeIndex item = items < spec.prefix.size() ? spec.prefix[items] : spec.item;
  if (item != kNoNode) out.Add(program_->nodes[item].first);
}

Machine::Gap Machine::GapOf(const Config& config) const {
  if (config.node == kNoNode) return Gap::kNoGap;
  const NodeKind kind = program_->nodes[config.node].kind;
  if (kind != NodeKind::kObject && kind != NodeKind::kArray) return Gap::kNoGap;
  if (PhaseOf(config.state) == kPhaseOpen) return Gap::kNoGap;
  if (WantsBlank(config)) return Gap::kNoGap;
  if (program_->spacing != Spacing::kAny) return Gap::kBare;
  const int space = SpaceClass(static_cast<int>(SpaceOf(config.state)), static_cast<int>(far_));
  if (space == kSpaceNone) return Gap::kStart;
  if (space == kSpaceLine) return Gap::kLine;
  return space == kSpaceBlank ? Gap::kBare : Gap::kNoGap;
}

bool Machine::CanEnd(const Config& config) {
  if (config.node == kNoNode) return true;
  const Node& n = program_->nodes[config.node];
  bool done = false;
  uint32_t outcome = 0;
  switch (n.kind) {
    case NodeKind::kLiterals: {
      const LiteralSet& set = program_->literals[n.a];
      const LiteralState s = LiteralState::Unpack(config.state);
      done = s.low < s.high && set.entries[s.low].size() == s.depth;
      if (done) outcome = set.outcomes[s.low];
      break;
    }
    case NodeKind::kBytes:
      done = program_->automata[n.a].accepting[config.state];
      break;
    case NodeKind::kText:
      done = JsonString::TextMayEnd(*program_->chars, program_->strings[n.a],
                                    JsonString::State::Unpack(config.state), config.extra);
      break;
    case NodeKind::kChoice:
      done = n.nullable;
      break;
    case NodeKind::kSequence:
      done = true;
      for (auto i = static_cast<uint32_t>(config.state); i < n.b; ++i) {
        done = done && program_->nodes[program_->Child(n, i)].nullable;
      }
      break;
    case NodeKind::kRepeat:
      done = config.state >= n.b || program_->nodes[n.a].nullable;
      break;
    default:
      break;
  }
  if (!done) return false;
  Set next;
  Resume(config.parent, outcome, next);
  return std::any_of(next.begin(), next.end(), [&](const Config& c) { return CanEnd(c); });
}

uint64_t Machine::LocalHash(NodeIndex node, uint64_t state, uint64_t extra) const {
  if (node == kNoNode) return 0x0e0d;
  const Node& n = program_->nodes[node];
  switch (n.kind) {
    case NodeKind::kString:
    case NodeKind::kText: {
      const StringSpec& spec = program_->strings[n.a];
      const uint64_t far = far_ + 1024;  // slack is less
      const uint64_t left = spec.max == kNoLimit ? far : std::min<uint64_t>(spec.max - extra, far);
      const uint64_t need = spec.min > extra ? std::min<uint64_t>(spec.min - extra, far) : 0;
      JsonString::State s = JsonString::State::Unpack(state);
      const uint64_t chars =
          MixFingerprint(program_->chars->Hash(s.chars), n.kind == NodeKind::kText);
      s.chars = 0;
      return MixFingerprint(MixFingerprint(chars, s.Pack()), left << 32 | need);
    }
    case NodeKind::kObject:
      state = WithSpace(state, static_cast<uint64_t>(SpaceClass(static_cast<int>(SpaceOf(state)),
                                                                static_cast<int>(far_))));
      break;
    case NodeKind::kArray: {
      const ArraySpec& spec = program_->arrays[n.a];
      const uint64_t low = std::max<uint64_t>(spec.prefix.size(), spec.min);
      uint64_t items = ItemsOf(state);
      if (spec.max != kNoLimit && items >= low && spec.max - items > far_) items = low;
      if (items < spec.min && items >= spec.prefix.size() && spec.min - items > far_)
        items = spec.prefix.size();
      state = (state & 0xffff) | items << 16;
      state = WithSpace(state, static_cast<uint64_t>(SpaceClass(static_cast<int>(SpaceOf(state)),
                                                                static_cast<int>(far_))));
      break;
    }
    case NodeKind::kRepeat:
      if (n.c != kNoLimit && state >= n.b && n.c - state > far_) state = n.b;
      if (state < n.b && n.b - state > far_) state = 0;
      break;
    default:
      break;
  }
  return MixFingerprint(MixFingerprint(n.hash, state), extra);
}

}  // namespace hearth::grammar
