// Objects and arrays: which key, item, comma or bracket may come, and what it leads to.
#include <algorithm>
#include <bit>

#include "grammars/matcher/machine.h"
#include "grammars/matcher/machine_state.h"
#include "grammars/matcher/whitespace.h"

namespace hearth::grammar {

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

// Behind a comma or colon whose blank must come.
bool Machine::WantsBlank(const Config& config) const {
  const uint64_t phase = PhaseOf(config.state);
  return program_->spacing == Spacing::kBlanks && SpaceOf(config.state) == kSpaceNone &&
         (phase == kPhaseValue || phase == kPhaseNext);
}

bool Machine::PassSpace(const Config& config, uint8_t byte, Set& out) {
  const auto space = static_cast<int>(SpaceOf(config.state));
  if (WantsBlank(config)) {
    if (byte == ' ') {
      Add({config.node, config.parent, WithSpace(config.state, kSpaceBlank), config.extra}, out);
    }
    return false;
  }
  if (program_->spacing != Spacing::kAny || !IsJsonSpace(byte)) return SpaceMayEnd(space);
  const int next = StepSpace(space, byte);
  if (next >= 0) {
    Add({config.node, config.parent, WithSpace(config.state, static_cast<uint64_t>(next)),
         config.extra},
        out);
  }
  return false;
}

void Machine::StepObject(const Config& config, uint8_t byte, Set& out) {
  const Node& n = program_->nodes[config.node];
  const ObjectSpec& spec = program_->objects[n.a];
  const uint64_t phase = PhaseOf(config.state);
  if (phase == kPhaseOpen) {
    if (byte == '{') Add({config.node, config.parent, ObjectState(kPhaseFirst, 0, 0, 0), 0}, out);
    return;
  }
  if (!PassSpace(config, byte, out)) return;
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
  if (!PassSpace(config, byte, out)) return;
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

}  // namespace hearth::grammar
