#include "grammars/matcher/machine.h"

#include <algorithm>

#include "grammars/matcher/fingerprint.h"
#include "grammars/matcher/json_string.h"
#include "grammars/matcher/whitespace.h"

namespace hearth::grammar {

namespace {

// Literal sets: a range of the sorted entries that agree so far, and how many bytes that is.
struct LiteralState {
  uint64_t low, high, depth;
  static LiteralState Unpack(uint64_t s) { return {s & 0xffffff, s >> 24 & 0xffffff, s >> 48}; }
  uint64_t Pack() const { return low | high << 24 | depth << 48; }
};

// Narrows the range to the entries that go on with the byte.
void Narrow(const LiteralSet& set, LiteralState& s, uint8_t byte) {
  const auto at = [&](uint64_t i) {
    const std::string& entry = set.entries[i];
    return entry.size() == s.depth ? -1 : int{static_cast<uint8_t>(entry[s.depth])};
  };
  const auto bound = [&](int value) {
    uint64_t from = s.low, to = s.high;
    while (from < to) {
      const uint64_t middle = from + (to - from) / 2;
      if (at(middle) < value)
        from = middle + 1;
      else
        to = middle;
    }
    return from;
  };
  const uint64_t low = bound(byte);
  s.high = bound(byte + 1);
  s.low = low;
  ++s.depth;
}

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

// Objects: phase 4 bits, whitespace 12, value 16, position 16; the count of properties is in the
// high half of extra where it matters, the keys seen (any order) or nothing in the rest.
constexpr int kSpaceShift = 4, kValueShift = 16, kPositionShift = 32;
constexpr uint64_t kExtraValue = 0x8000;

uint64_t ObjectState(uint64_t phase, uint64_t space, uint64_t value, uint64_t position) {
  return phase | space << kSpaceShift | value << kValueShift | position << kPositionShift;
}
uint64_t PhaseOf(uint64_t s) { return s & 15; }
uint64_t SpaceOf(uint64_t s) { return s >> kSpaceShift & 0xfff; }
uint64_t ValueOf(uint64_t s) { return s >> kValueShift & 0xffff; }
uint64_t PositionOf(uint64_t s) { return s >> kPositionShift & 0xffff; }
uint64_t CountOf(uint64_t state) { return state >> 48; }  // saturating at 65535
uint64_t WithCount(uint64_t state, uint64_t count) {
  return (state & 0xffffffffffffull) | std::min<uint64_t>(count, 0xffff) << 48;
}
uint64_t WithPhase(uint64_t state, uint64_t phase) { return (state & ~uint64_t{0xffff}) | phase; }
uint64_t WithSpace(uint64_t state, uint64_t space) {
  return (state & ~(uint64_t{0xfff} << kSpaceShift)) | space << kSpaceShift;
}

// Arrays: phase 4, whitespace 12, items 32; extra: unique values used, or how many items counted
// for `contains`.
uint64_t ItemsOf(uint64_t s) { return s >> 16 & 0xffffffff; }

}  // namespace

Machine::Machine(const Program& program, uint32_t far) : program_(&program), far_(far) {
  frames_.push_back({});
}

Config Machine::StartOf(NodeIndex node, FrameIndex parent) const {
  Config config{node, parent, 0, 0};
  const Node& n = program_->nodes[node];
  switch (n.kind) {
    case NodeKind::kLiterals:
      config.state = LiteralState{0, program_->literals[n.a].entries.size(), 0}.Pack();
      break;
    case NodeKind::kBytes:
      config.state = 1;
      break;
    case NodeKind::kString:
      config.state = JsonString::Start(program_->strings[n.a]).Pack();
      break;
    default:
      break;
  }
  return config;
}

FrameIndex Machine::Push(NodeIndex node, FrameIndex parent, uint64_t state, uint64_t extra) {
  const uint64_t below = MixFingerprint(frames_[parent].chain_hash, node);
  frames_.push_back({node, parent, state, extra,
                     MixFingerprint(MixFingerprint(below, state), extra),
                     frames_[parent].depth + 1});
  return static_cast<FrameIndex>(frames_.size() - 1);
}

void Machine::Add(const Config& config, Set& out) const {
  for (const Config& c : out) {
    if (c.node == config.node && c.state == config.state && c.extra == config.extra &&
        (c.parent == config.parent ||
         frames_[c.parent].chain_hash == frames_[config.parent].chain_hash)) {
      return;
    }
  }
  out.push_back(config);
}

void Machine::Resume(FrameIndex frame_index, uint32_t outcome, Set& out) {
  const Frame frame = frames_[frame_index];
  if (frame_index < watch_.mark) NoteRead(frame.depth);
  if (frame_index == kBottomFrame) {
    Add({kNoNode, kBottomFrame, 0, 0}, out);  // everything is matched: only the end may follow
    return;
  }
  const Node& n = program_->nodes[frame.node];
  switch (n.kind) {
    case NodeKind::kSequence:
      if (frame.state + 1 == n.b) {
        Add(StartOf(program_->Child(n, static_cast<uint32_t>(frame.state)), frame.parent), out);
      } else {
        Add({frame.node, frame.parent, frame.state, 0}, out);
      }
      break;
    case NodeKind::kRepeat:
      if (frame.state == n.c) {
        Resume(frame.parent, 0, out);
      } else {
        Add({frame.node, frame.parent, frame.state, 0}, out);
      }
      break;
    case NodeKind::kObject: {
      const ObjectSpec& spec = program_->objects[n.a];
      uint64_t state = frame.state;
      uint64_t extra = frame.extra;
      if (PhaseOf(state) == kPhaseAfterValue) {
        Add({frame.node, frame.parent, state, extra}, out);
        break;
      }
      const uint64_t count = spec.counted ? CountOf(state) + 1 : 0;
      if (PhaseOf(state) == kPhaseKey) {
        const uint64_t position = spec.any_order ? 0 : outcome + 1;
        if (spec.any_order) extra |= uint64_t{1} << outcome;
        state = ObjectState(kPhaseColon, 0, outcome, position);
      } else {
        state = WithPhase(state, kPhaseColon);  // the value was set when the key began
      }
      Add({frame.node, frame.parent, WithCount(state, count), extra}, out);
      break;
    }
    case NodeKind::kArray:
      Add({frame.node, frame.parent, frame.state, frame.extra}, out);
      break;
    default:
      break;
  }
}

void Machine::ResumeAndStep(FrameIndex frame, uint32_t outcome, uint8_t byte, Set& out) {
  Set next;
  Resume(frame, outcome, next);
  for (const Config& c : next) Step(c, byte, out);
}

void Machine::Step(const Config& config, uint8_t byte, Set& out) {
  if (config.node == kNoNode) return;
  const Node& n = program_->nodes[config.node];
  switch (n.kind) {
    case NodeKind::kLiterals: {
      const LiteralSet& set = program_->literals[n.a];
      LiteralState s = LiteralState::Unpack(config.state);
      if (s.low < s.high && set.entries[s.low].size() == s.depth) {
        ResumeAndStep(config.parent, set.outcomes[s.low], byte, out);
      }
      Narrow(set, s, byte);
      if (s.low >= s.high) return;
      if (s.high - s.low == 1 && set.entries[s.low].size() == s.depth) {
        Resume(config.parent, set.outcomes[s.low], out);
      } else {
        Add({config.node, config.parent, s.Pack(), 0}, out);
      }
      return;
    }
    case NodeKind::kBytes: {
      const ByteDfa& dfa = program_->automata[n.a];
      const auto state = static_cast<uint32_t>(config.state);
      if (dfa.accepting[state]) ResumeAndStep(config.parent, 0, byte, out);
      const uint32_t next = dfa.Next(state, byte);
      if (next == 0) return;
      if (dfa.closed[next]) {
        Resume(config.parent, 0, out);
      } else {
        Add({config.node, config.parent, next, 0}, out);
      }
      return;
    }
    case NodeKind::kString: {
      JsonString::State s = JsonString::State::Unpack(config.state);
      uint64_t count = config.extra;
      if (!JsonString::Step(*program_->chars, program_->strings[n.a], s, count, byte)) return;
      if (s.mode == JsonString::kClosed) {
        Resume(config.parent, 0, out);
      } else {
        Add({config.node, config.parent, s.Pack(), count}, out);
      }
      return;
    }
    case NodeKind::kKeys:
      StepKeys(config, byte, out);
      return;
    case NodeKind::kObject:
      StepObject(config, byte, out);
      return;
    case NodeKind::kArray:
      StepArray(config, byte, out);
      return;
    case NodeKind::kSequence:
      StepSequence(config.node, config.state, config.parent, byte, out);
      return;
    case NodeKind::kChoice: {
      bool nullable = false;
      for (uint32_t i = 0; i < n.b; ++i) {
        const NodeIndex child = program_->Child(n, i);
        if (program_->nodes[child].first.Has(byte)) StepStart(child, config.parent, byte, out);
        nullable = nullable || program_->nodes[child].nullable;
      }
      if (nullable) ResumeAndStep(config.parent, 0, byte, out);
      return;
    }
    case NodeKind::kRepeat: {
      if (config.state < n.c && program_->nodes[n.a].first.Has(byte)) {
        // Past the lower bound of an endless repetition the count says nothing more.
        const uint64_t count =
            n.c == kNoLimit ? std::min<uint64_t>(config.state + 1, n.b) : config.state + 1;
        StepStart(n.a, Push(config.node, config.parent, count, 0), byte, out);
      }
      if (config.state >= n.b || program_->nodes[n.a].nullable) {
        ResumeAndStep(config.parent, 0, byte, out);
      }
      return;
    }
    default:
      return;
  }
}

// Consumes the byte inside the node; what may follow an empty node is its caller's business.
void Machine::StepStart(NodeIndex node, FrameIndex parent, uint8_t byte, Set& out) {
  const Node& n = program_->nodes[node];
  if (!n.productive || !n.first.Has(byte)) return;
  switch (n.kind) {
    case NodeKind::kChoice:
      for (uint32_t i = 0; i < n.b; ++i) StepStart(program_->Child(n, i), parent, byte, out);
      return;
    case NodeKind::kSequence:
      for (uint32_t i = 0; i < n.b; ++i) {
        const NodeIndex child = program_->Child(n, i);
        if (program_->nodes[child].first.Has(byte)) {
          StepStart(child, i + 1 == n.b ? parent : Push(node, parent, i + 1, 0), byte, out);
        }
        if (!program_->nodes[child].nullable) return;
      }
      return;
    case NodeKind::kRepeat: {
      const uint64_t count = n.c == kNoLimit ? std::min<uint64_t>(1, n.b) : 1;
      StepStart(n.a, Push(node, parent, count, 0), byte, out);
      return;
    }
    case NodeKind::kLiterals: {
      // An empty entry is the caller's business; do not let Step follow it.
      const LiteralSet& set = program_->literals[n.a];
      LiteralState s{set.entries[0].empty() ? uint64_t{1} : uint64_t{0}, set.entries.size(), 0};
      Step({node, parent, s.Pack(), 0}, byte, out);
      return;
    }
    case NodeKind::kBytes: {
      const ByteDfa& dfa = program_->automata[n.a];
      const uint32_t next = dfa.Next(1, byte);
      if (next == 0) return;
      if (dfa.closed[next]) {
        Resume(parent, 0, out);
      } else {
        Add({node, parent, next, 0}, out);
      }
      return;
    }
    default:
      Step(StartOf(node, parent), byte, out);
      return;
  }
}

void Machine::StepSequence(NodeIndex node, uint64_t from, FrameIndex parent, uint8_t byte,
                           Set& out) {
  const Node& n = program_->nodes[node];
  for (auto i = static_cast<uint32_t>(from); i < n.b; ++i) {
    const NodeIndex child = program_->Child(n, i);
    if (program_->nodes[child].first.Has(byte)) {
      StepStart(child, i + 1 == n.b ? parent : Push(node, parent, i + 1, 0), byte, out);
    }
    if (!program_->nodes[child].nullable) return;
  }
  ResumeAndStep(parent, 0, byte, out);
}

bool Machine::KeyAllowed(const ObjectSpec& spec, uint64_t index, uint64_t state,
                         uint64_t extra) const {
  if (!spec.usable[index]) return false;
  const uint64_t position = PositionOf(state);
  uint64_t required_left = 0, usable_left = 0;
  if (spec.any_order) {
    if (extra >> index & 1) return false;
    if (!spec.counted) return true;
    const uint64_t after = extra | uint64_t{1} << index;
    required_left = static_cast<uint64_t>(std::popcount(spec.required_bits & ~after));
    usable_left = spec.usable_from[0] - static_cast<uint64_t>(std::popcount(after));
  } else {
    if (index < position || index > spec.next_required[position]) return false;
    if (!spec.counted) return true;
    required_left = spec.required_from[index + 1];
    usable_left = spec.usable_from[index + 1];
  }
  const uint64_t count = CountOf(state) + 1;
  if (count + required_left > spec.max) return false;
  return spec.extras_usable || count + usable_left >= spec.min;
}

bool Machine::ExtraAllowed(const ObjectSpec& spec, uint64_t state, uint64_t extra) const {
  if (!spec.extras_usable) return false;
  if (!spec.counted || spec.max == kNoLimit) return true;
  const uint64_t required_left =
      spec.any_order ? static_cast<uint64_t>(std::popcount(spec.required_bits & ~extra))
                     : spec.required_from[PositionOf(state)];
  return CountOf(state) + 1 + required_left <= spec.max;
}

bool Machine::ObjectCanClose(const ObjectSpec& spec, uint64_t state, uint64_t extra) const {
  if (spec.counted && CountOf(state) < spec.min) return false;
  if (spec.any_order) return (spec.required_bits & ~extra) == 0;
  return spec.next_required[PositionOf(state)] >= spec.properties.size();
}

bool Machine::MoreKeys(const ObjectSpec& spec, const Config& config) const {
  if (ExtraAllowed(spec, config.state, config.extra)) return true;
  const uint64_t first = spec.any_order ? 0 : PositionOf(config.state);
  const uint64_t last =
      spec.any_order
          ? spec.properties.size()
          : std::min<uint64_t>(spec.properties.size(), uint64_t{spec.next_required[first]} + 1);
  for (uint64_t i = first; i < last; ++i) {
    if (KeyAllowed(spec, i, config.state, config.extra)) return true;
  }
  return false;
}

// After the opening quote of a key: the declared ones that may come, and any other.
void Machine::BeginKey(const Config& config, uint64_t, Set& out) {
  const Node& n = program_->nodes[config.node];
  const ObjectSpec& spec = program_->objects[n.a];
  bool declared = false;
  const uint64_t first = spec.any_order ? 0 : PositionOf(config.state);
  for (uint64_t i = first; i < spec.properties.size() && !declared; ++i) {
    if (!spec.any_order && i > spec.next_required[first]) break;
    declared = KeyAllowed(spec, i, config.state, config.extra);
  }
  if (declared) {
    const FrameIndex frame =
        Push(config.node, config.parent,
             WithPhase(config.state & ~(uint64_t{0xffff} << kValueShift), kPhaseKey), config.extra);
    const LiteralSet& set = program_->literals[spec.keys];
    // The key knows where the object stands by the frame under it; it reads no other.
    Add({spec.keys_node, frame, LiteralState{0, set.entries.size(), 0}.Pack(), 0}, out);
  }
  if (!ExtraAllowed(spec, config.state, config.extra)) return;
  for (size_t i = 0; i < spec.extras.size(); ++i) {
    const auto& extra = spec.extras[i];
    if (!program_->nodes[extra.value].productive) continue;
    const uint64_t state =
        ObjectState(kPhaseExtraKey, 0, kExtraValue | i, PositionOf(config.state));
    const FrameIndex frame =
        Push(config.node, config.parent, WithCount(state, CountOf(config.state)), config.extra);
    Add(StartOf(extra.key, frame), out);
  }
}

void Machine::StepKeys(const Config& config, uint8_t byte, Set& out) {
  const ObjectSpec& spec = program_->objects[program_->nodes[config.node].a];
  const LiteralSet& set = program_->literals[spec.keys];
  LiteralState s = LiteralState::Unpack(config.state);
  Narrow(set, s, byte);
  if (s.low >= s.high) return;
  const Frame& object = frames_[config.parent];
  if (config.parent < watch_.mark) NoteRead(object.depth);
  bool any = false;
  for (uint64_t i = s.low; i < s.high && !any; ++i) {
    any = KeyAllowed(spec, set.outcomes[i], object.state, object.extra);
  }
  if (!any) return;
  if (s.high - s.low == 1 && set.entries[s.low].size() == s.depth) {
    Resume(config.parent, set.outcomes[s.low], out);
  } else {
    Add({config.node, config.parent, s.Pack(), 0}, out);
  }
}

void Machine::StepObject(const Config& config, uint8_t byte, Set& out) {
  const Node& n = program_->nodes[config.node];
  const ObjectSpec& spec = program_->objects[n.a];
  const uint64_t phase = PhaseOf(config.state);
  if (phase == kPhaseOpen) {
    if (byte == '{') Add({config.node, config.parent, ObjectState(kPhaseFirst, 0, 0, 0), 0}, out);
    return;
  }
  if (!program_->compact && IsJsonSpace(byte)) {
    const int space = StepSpace(static_cast<int>(SpaceOf(config.state)), byte);
    if (space >= 0) {
      Add({config.node, config.parent, WithSpace(config.state, static_cast<uint64_t>(space)),
           config.extra},
          out);
    }
    return;
  }
  if (!SpaceMayEnd(static_cast<int>(SpaceOf(config.state)))) return;
  switch (phase) {
    case kPhaseFirst:
    case kPhaseAfterValue:
      if (byte == '}' && ObjectCanClose(spec, config.state, config.extra)) {
        Resume(config.parent, 0, out);
      } else if (byte == '"' && phase == kPhaseFirst) {
        BeginKey(config, 0, out);
      } else if (byte == ',' && phase == kPhaseAfterValue && MoreKeys(spec, config)) {
        Add({config.node, config.parent, WithPhase(config.state, kPhaseNext), config.extra}, out);
      }
      return;
    case kPhaseNext:
      if (byte == '"') BeginKey(config, 0, out);
      return;
    case kPhaseColon:
      if (byte == ':') {
        Add({config.node, config.parent, WithPhase(config.state, kPhaseValue), config.extra}, out);
      }
      return;
    case kPhaseValue: {
      const uint64_t value = ValueOf(config.state);
      const NodeIndex child = value & kExtraValue ? spec.extras[value & ~kExtraValue].value
                                                  : spec.properties[value].value;
      const uint64_t state =
          WithPhase(config.state & ~(uint64_t{0xffff} << kValueShift), kPhaseAfterValue);
      if (!program_->nodes[child].first.Has(byte)) return;
      StepStart(child, Push(config.node, config.parent, state, config.extra), byte, out);
      return;
    }
    default:
      return;
  }
}

bool Machine::MoreItems(const ArraySpec& spec, const Config& config) const {
  const uint64_t items = ItemsOf(config.state);
  if (items >= spec.max) return false;
  if (!spec.unique.empty()) {
    return static_cast<size_t>(std::popcount(config.extra)) < spec.unique.size();
  }
  if (items < spec.prefix.size()) return program_->nodes[spec.prefix[items]].productive;
  return spec.item != kNoNode && program_->nodes[spec.item].productive;
}

void Machine::StartItem(const Config& config, uint8_t byte, Set& out) {
  const ArraySpec& spec = program_->arrays[program_->nodes[config.node].a];
  if (!MoreItems(spec, config)) return;
  const uint64_t items = ItemsOf(config.state);
  // Past every bound that it can meet, the count says nothing more.
  const uint64_t last = std::max<uint64_t>(spec.prefix.size(), spec.min);
  const uint64_t count =
      spec.max == kNoLimit ? std::min(items + 1, std::max<uint64_t>(last, 1)) : items + 1;
  const uint64_t state = kPhaseAfterValue | count << 16;
  const auto start = [&](NodeIndex child, uint64_t extra) {
    if (program_->nodes[child].first.Has(byte)) {
      StepStart(child, Push(config.node, config.parent, state, extra), byte, out);
    }
  };
  if (!spec.unique.empty()) {
    for (size_t i = 0; i < spec.unique.size(); ++i) {
      if (!(config.extra >> i & 1)) start(spec.unique[i], config.extra | uint64_t{1} << i);
    }
    return;
  }
  const NodeIndex item = items < spec.prefix.size() ? spec.prefix[items] : spec.item;
  if (spec.containing == kNoNode) {
    start(item, 0);
    return;
  }
  // Unless counted from above, an item that counts may also be read as one that does not.
  const uint64_t found = config.extra;
  const uint64_t enough = spec.max_contains == kNoLimit ? spec.min_contains : spec.max_contains;
  if (found < enough) start(spec.containing, found + 1);
  // The places left must suffice for those still missing.
  if (spec.max != kNoLimit && spec.max - items - 1 + found < spec.min_contains) return;
  start(spec.max_contains == kNoLimit ? item : spec.not_containing, found);
}

void Machine::StepArray(const Config& config, uint8_t byte, Set& out) {
  const ArraySpec& spec = program_->arrays[program_->nodes[config.node].a];
  const uint64_t phase = PhaseOf(config.state);
  if (phase == kPhaseOpen) {
    if (byte == '[') Add({config.node, config.parent, kPhaseFirst, 0}, out);
    return;
  }
  if (!program_->compact && IsJsonSpace(byte)) {
    const int space = StepSpace(static_cast<int>(SpaceOf(config.state)), byte);
    if (space >= 0) {
      Add({config.node, config.parent, WithSpace(config.state, static_cast<uint64_t>(space)),
           config.extra},
          out);
    }
    return;
  }
  if (!SpaceMayEnd(static_cast<int>(SpaceOf(config.state)))) return;
  const bool enough = ItemsOf(config.state) >= spec.min &&
                      (spec.containing == kNoNode || config.extra >= spec.min_contains);
  if (byte == ']' && phase != kPhaseNext) {
    if (enough) Resume(config.parent, 0, out);
    return;
  }
  if (phase == kPhaseAfterValue) {
    if (byte == ',' && MoreItems(spec, config)) {
      Add({config.node, config.parent, WithPhase(config.state & ~uint64_t{0xffff}, kPhaseNext),
           config.extra},
          out);
    }
    return;
  }
  StartItem(config, byte, out);
}

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
      if (!program_->compact) LiveSpace(space, out);
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
  if (program_->compact) return Gap::kBare;
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

namespace {
// Tokens by id are rare, so they are found by expanding starts rather than by tables.
template <typename Visit>
void VisitTokenStarts(const Program& program, NodeIndex node, Visit&& visit) {
  const Node& n = program.nodes[node];
  if (!n.has_token) return;
  visit(node, n);
}
}  // namespace

void Machine::AppendTokens(const Config& config, std::vector<TokenId>& out) {
  // A token is possible where stepping by it leads somewhere; collect the candidates of the nodes
  // that could come next and keep those that do.
  if (config.node == kNoNode) return;
  Set configs(config);
  for (size_t i = 0; i < configs.size() && i < 64; ++i) {
    const Config c = configs[i];
    if (c.node == kNoNode) continue;
    const Node& n = program_->nodes[c.node];
    std::vector<NodeIndex> nodes;
    bool done = false;
    if (n.kind == NodeKind::kSequence) {
      done = true;
      for (auto k = static_cast<uint32_t>(c.state); k < n.b && done; ++k) {
        nodes.push_back(program_->Child(n, k));
        done = program_->nodes[nodes.back()].nullable;
      }
    } else if (n.kind == NodeKind::kRepeat) {
      if (c.state < n.c) nodes.push_back(n.a);
      done = c.state >= n.b || program_->nodes[n.a].nullable;
    } else if (n.kind == NodeKind::kBytes) {
      done = program_->automata[n.a].accepting[c.state];
    } else if (n.kind == NodeKind::kLiterals) {
      const LiteralState s = LiteralState::Unpack(c.state);
      done = s.low < s.high && program_->literals[n.a].entries[s.low].size() == s.depth;
    } else {
      nodes.push_back(c.node);
      done = n.nullable;
    }
    for (size_t k = 0; k < nodes.size(); ++k) {
      VisitTokenStarts(*program_, nodes[k], [&](NodeIndex, const Node& start) {
        if (start.kind == NodeKind::kToken) {
          out.push_back(static_cast<TokenId>(start.a));
        } else if (start.kind == NodeKind::kRepeat) {
          nodes.push_back(start.a);
        } else {
          for (uint32_t m = 0; m < start.b; ++m) {
            nodes.push_back(program_->Child(start, m));
            if (start.kind == NodeKind::kSequence && !program_->nodes[nodes.back()].nullable) break;
          }
        }
      });
    }
    if (done) Resume(c.parent, 0, configs);
  }
}

void Machine::StepToken(const Config& config, TokenId token, Set& out) {
  if (config.node == kNoNode) return;
  const Node& n = program_->nodes[config.node];
  const auto below = [&] {
    Set next;
    Resume(config.parent, 0, next);
    for (const Config& c : next) StepToken(c, token, out);
  };
  switch (n.kind) {
    case NodeKind::kToken:
      if (static_cast<TokenId>(n.a) == token) Resume(config.parent, 0, out);
      return;
    case NodeKind::kSequence:
      for (auto i = static_cast<uint32_t>(config.state); i < n.b; ++i) {
        const NodeIndex child = program_->Child(n, i);
        if (program_->nodes[child].has_token) {
          const FrameIndex parent =
              i + 1 == n.b ? config.parent : Push(config.node, config.parent, i + 1, 0);
          StepToken(StartOf(child, parent), token, out);
        }
        if (!program_->nodes[child].nullable) return;
      }
      below();
      return;
    case NodeKind::kChoice:
      for (uint32_t i = 0; i < n.b; ++i) {
        const NodeIndex child = program_->Child(n, i);
        if (program_->nodes[child].has_token) StepToken(StartOf(child, config.parent), token, out);
      }
      if (n.nullable) below();
      return;
    case NodeKind::kRepeat: {
      if (config.state < n.c && program_->nodes[n.a].has_token) {
        const uint64_t count =
            n.c == kNoLimit ? std::min<uint64_t>(config.state + 1, n.b) : config.state + 1;
        StepToken(StartOf(n.a, Push(config.node, config.parent, count, 0)), token, out);
      }
      if (config.state >= n.b || program_->nodes[n.a].nullable) below();
      return;
    }
    case NodeKind::kBytes:
      if (program_->automata[n.a].accepting[config.state]) below();
      return;
    case NodeKind::kLiterals: {
      const LiteralState s = LiteralState::Unpack(config.state);
      if (s.low < s.high && program_->literals[n.a].entries[s.low].size() == s.depth) below();
      return;
    }
    default:
      return;
  }
}

uint64_t Machine::LocalHash(NodeIndex node, uint64_t state, uint64_t extra) const {
  if (node == kNoNode) return 0x0e0d;
  const Node& n = program_->nodes[node];
  switch (n.kind) {
    case NodeKind::kString: {
      const StringSpec& spec = program_->strings[n.a];
      const uint64_t far = far_ + 1024;  // slack is less
      const uint64_t left = spec.max == kNoLimit ? far : std::min<uint64_t>(spec.max - extra, far);
      const uint64_t need = spec.min > extra ? std::min<uint64_t>(spec.min - extra, far) : 0;
      JsonString::State s = JsonString::State::Unpack(state);
      const uint64_t chars = program_->chars->Hash(s.chars);
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
