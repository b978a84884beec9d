// Nodes by hand: what a GrammarBuilder and the schema front end are both made of.
#include <algorithm>

#include "grammars/matcher/fingerprint.h"
#include "grammars/schema/schema_compiler.h"

namespace hearth::grammar {

NodeIndex SchemaCompiler::AddLiterals(std::vector<std::pair<std::string, uint32_t>> entries) {
  std::sort(entries.begin(), entries.end());
  entries.erase(std::unique(entries.begin(), entries.end(),
                            [](const auto& a, const auto& b) { return a.first == b.first; }),
                entries.end());
  LiteralSet set;
  uint64_t hash = entries.size();
  for (auto& [text, outcome] : entries) {
    hash = MixFingerprint(MixFingerprint(hash, FingerprintBytes(text)), outcome);
    long_literal_ = long_literal_ || text.size() > kMaxLiteral;
    set.entries.push_back(std::move(text));
    set.outcomes.push_back(outcome);
  }
  set.hash = hash;
  program_->literals.push_back(std::move(set));
  program_->nodes.push_back(
      {.kind = NodeKind::kLiterals, .a = static_cast<uint32_t>(program_->literals.size() - 1)});
  return static_cast<NodeIndex>(program_->nodes.size() - 1);
}

NodeIndex SchemaCompiler::AddSequence(const std::vector<NodeIndex>& parts) {
  const auto begin = static_cast<uint32_t>(program_->children.size());
  program_->children.insert(program_->children.end(), parts.begin(), parts.end());
  program_->nodes.push_back(
      {.kind = NodeKind::kSequence, .a = begin, .b = static_cast<uint32_t>(parts.size())});
  return static_cast<NodeIndex>(program_->nodes.size() - 1);
}

NodeIndex SchemaCompiler::AddChoice(const std::vector<NodeIndex>& parts) {
  const NodeIndex node = AddSequence(parts);
  program_->nodes[node].kind = NodeKind::kChoice;
  return node;
}

NodeIndex SchemaCompiler::AddRepeat(NodeIndex part, uint32_t min, uint32_t max) {
  if (max == 0) return AddLiterals({{"", 0}});
  program_->nodes.push_back({.kind = NodeKind::kRepeat, .a = part, .b = min, .c = max});
  if (min > max) program_->nodes.back() = {.kind = NodeKind::kNever};
  return static_cast<NodeIndex>(program_->nodes.size() - 1);
}

NodeIndex SchemaCompiler::AddToken(TokenId token) {
  program_->nodes.push_back({.kind = NodeKind::kToken, .a = static_cast<uint32_t>(token)});
  program_->has_tokens = true;
  return static_cast<NodeIndex>(program_->nodes.size() - 1);
}

// Aho and Corasick's automaton of the stop strings, without the states in which one is complete.
NodeIndex SchemaCompiler::AddTextUntil(const std::vector<std::string>& stops) {
  constexpr uint32_t kNoState = UINT32_MAX;
  struct State {
    std::array<uint32_t, 256> next;
    uint32_t fail = 0;
    bool stops = false;
  };
  std::vector<State> states(1);
  states[0].next.fill(kNoState);
  for (const std::string& stop : stops) {
    uint32_t at = 0;
    for (const char c : stop) {
      uint32_t& next = states[at].next[static_cast<uint8_t>(c)];
      if (next == kNoState) {
        const auto fresh = static_cast<uint32_t>(states.size());
        next = fresh;
        states.emplace_back();
        states.back().next.fill(kNoState);
        at = fresh;
      } else {
        at = next;
      }
    }
    if (!stop.empty()) states[at].stops = true;
  }
  std::vector<uint32_t> order{0};
  for (size_t i = 0; i < order.size(); ++i) {
    const uint32_t s = order[i];
    for (unsigned b = 0; b < 256; ++b) {
      uint32_t& next = states[s].next[b];
      const uint32_t fallback = s == 0 ? 0 : states[states[s].fail].next[b];
      if (next == kNoState) {
        next = fallback;
        continue;
      }
      states[next].fail = fallback;
      states[next].stops = states[next].stops || states[fallback].stops;
      order.push_back(next);
    }
  }
  ByteDfa dfa;
  dfa.dense = true;
  // Bytes that no stop string holds behave alike.
  std::array<bool, 256> used{};
  for (const std::string& stop : stops) {
    for (const char c : stop) used[static_cast<uint8_t>(c)] = true;
  }
  dfa.classes = 1;
  for (unsigned b = 0; b < 256; ++b) {
    dfa.byte_class[b] = used[b] ? static_cast<uint8_t>(dfa.classes++) : uint8_t{0};
  }
  dfa.next.assign((states.size() + 1) * dfa.classes, 0);
  dfa.accepting.assign(states.size() + 1, 1);
  dfa.accepting[0] = 0;
  for (size_t s = 0; s < states.size(); ++s) {
    for (unsigned b = 0; b < 256; ++b) {
      const uint32_t to = states[s].next[b];
      dfa.next[(s + 1) * dfa.classes + dfa.byte_class[b]] = states[to].stops ? 0 : to + 1;
    }
  }
  dfa.Finish();
  program_->automata.push_back(std::move(dfa));
  program_->nodes.push_back(
      {.kind = NodeKind::kBytes, .a = static_cast<uint32_t>(program_->automata.size() - 1)});
  return static_cast<NodeIndex>(program_->nodes.size() - 1);
}

NodeIndex SchemaCompiler::AddText(ExprId language, uint32_t min, uint32_t max) {
  AddSpec(language, min, max, true);
  program_->nodes.push_back(
      {.kind = NodeKind::kText, .a = static_cast<uint32_t>(program_->strings.size() - 1)});
  return static_cast<NodeIndex>(program_->nodes.size() - 1);
}

void SchemaCompiler::AddSpec(ExprId language, uint32_t min, uint32_t max, bool in_body) {
  program_->strings.push_back({.min = min, .max = max, .in_body = in_body});
  const bool bounded = min > 0 || max != kNoLimit;
  string_languages_.push_back(
      {language,
       bounded ? store_->And({language, store_->Repeat(store_->AnyChar(), min, max)}) : language});
}

NodeIndex SchemaCompiler::AddForward() {
  program_->nodes.push_back({.kind = NodeKind::kNever});
  return static_cast<NodeIndex>(program_->nodes.size() - 1);
}

void SchemaCompiler::DefineForward(NodeIndex forward, NodeIndex body) {
  const NodeIndex sequence = AddSequence({body});
  program_->nodes[forward] = program_->nodes[sequence];
}

bool SchemaCompiler::BeginsWithItself() const {
  enum : uint8_t { kNew, kOpen, kDone };
  std::vector<uint8_t> seen(program_->nodes.size(), kNew);
  struct Step {
    NodeIndex node;
    uint32_t next = 0;
  };
  std::vector<Step> steps;
  for (NodeIndex root = 0; root < program_->nodes.size(); ++root) {
    if (seen[root] == kNew) steps.push_back({root});
    while (!steps.empty()) {
      Step& step = steps.back();
      const Node& n = program_->nodes[step.node];
      seen[step.node] = kOpen;
      const bool spans = n.kind == NodeKind::kSequence || n.kind == NodeKind::kChoice;
      const uint32_t count = spans ? n.b : n.kind == NodeKind::kRepeat ? 1 : 0;
      // A later part of a sequence may come first only if those before it may be empty.
      const bool blocked = n.kind == NodeKind::kSequence && step.next > 0 &&
                           !program_->nodes[program_->Child(n, step.next - 1)].nullable;
      if (step.next >= count || blocked) {
        seen[step.node] = kDone;
        steps.pop_back();
        continue;
      }
      const NodeIndex child = spans ? program_->Child(n, step.next) : n.a;
      ++step.next;
      if (seen[child] == kOpen) return true;
      if (seen[child] == kNew) steps.push_back({child});
    }
  }
  return false;
}

NodeIndex SchemaCompiler::AddString(ExprId language, uint32_t min, uint32_t max, bool in_body) {
  const auto key = std::make_tuple(language, min, max, in_body);
  if (const auto it = strings_.find(key); it != strings_.end()) return it->second;
  AddSpec(language, min, max, in_body);
  program_->nodes.push_back(
      {.kind = NodeKind::kString, .a = static_cast<uint32_t>(program_->strings.size() - 1)});
  return strings_[key] = static_cast<NodeIndex>(program_->nodes.size() - 1);
}

}  // namespace hearth::grammar
