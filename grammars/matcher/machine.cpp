#include "grammars/matcher/machine.h"

#include <algorithm>

#include "grammars/matcher/fingerprint.h"
#include "grammars/matcher/json_string.h"
#include "grammars/matcher/machine_state.h"

namespace hearth::grammar {

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
    case NodeKind::kText:
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
    case NodeKind::kText: {
      JsonString::State s = JsonString::State::Unpack(config.state);
      if (JsonString::TextMayEnd(*program_->chars, program_->strings[n.a], s, config.extra)) {
        ResumeAndStep(config.parent, 0, byte, out);
      }
      StepText(config, s, byte, out);
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

void Machine::StepText(const Config& config, JsonString::State state, uint8_t byte, Set& out) {
  uint64_t count = config.extra;
  if (JsonString::StepText(*program_->chars, program_->strings[program_->nodes[config.node].a],
                           state, count, byte)) {
    Add({config.node, config.parent, state.Pack(), count}, out);
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
    case NodeKind::kText: {
      const Config start = StartOf(node, parent);
      StepText(start, JsonString::State::Unpack(start.state), byte, out);
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

}  // namespace hearth::grammar
