#include "grammars/matcher/program.h"

#include <algorithm>

#include "grammars/compiled_grammar.h"
#include "grammars/matcher/fingerprint.h"
#include "grammars/matcher/json_string.h"

namespace hearth::grammar {

CompiledGrammar::CompiledGrammar(std::unique_ptr<const Program> program)
    : program_(std::move(program)) {}
CompiledGrammar::~CompiledGrammar() = default;
const std::vector<std::string>& CompiledGrammar::notes() const { return program_->notes; }
bool CompiledGrammar::names_tokens() const { return program_->has_tokens; }
size_t CompiledGrammar::bytes() const { return program_->Bytes(); }

void ByteDfa::Finish() {
  const size_t states = next.size() / classes;
  closed.assign(states, 0);
  live.assign(states, {});
  hash = MixFingerprint(states, classes);
  for (size_t s = 0; s < states; ++s) {
    bool any = false;
    for (unsigned b = 0; b < 256; ++b) {
      if (Next(static_cast<uint32_t>(s), static_cast<uint8_t>(b)) != 0) {
        live[s].Add(static_cast<uint8_t>(b));
        any = true;
      }
    }
    closed[s] = accepting[s] && !any;
    hash = MixFingerprint(hash, accepting[s]);
  }
  for (uint32_t n : next) hash = MixFingerprint(hash, n);
  for (uint8_t c : byte_class) hash = MixFingerprint(hash, c);
}

namespace {

// Calls visit(child) for everything a node may begin or go on with.
template <typename Visit>
void ForEachReference(const Program& p, const Node& n, Visit&& visit) {
  switch (n.kind) {
    case NodeKind::kSequence:
    case NodeKind::kChoice:
      for (uint32_t i = 0; i < n.b; ++i) visit(p.Child(n, i));
      break;
    case NodeKind::kRepeat:
      visit(n.a);
      break;
    case NodeKind::kObject: {
      const ObjectSpec& spec = p.objects[n.a];
      for (const auto& property : spec.properties) visit(property.value);
      for (const auto& extra : spec.extras) {
        visit(extra.key);
        visit(extra.value);
      }
      break;
    }
    case NodeKind::kArray: {
      const ArraySpec& spec = p.arrays[n.a];
      for (NodeIndex i : spec.prefix) visit(i);
      for (NodeIndex i : spec.unique) visit(i);
      for (NodeIndex i : {spec.item, spec.containing, spec.not_containing}) {
        if (i != kNoNode) visit(i);
      }
      break;
    }
    default:
      break;
  }
}

// Strongly connected components in reverse topological order (Tarjan), without recursion: schemas
// chain definitions as long as they like.
class Components {
 public:
  explicit Components(const Program& p)
      : p_(p),
        index_(p.nodes.size(), 0),
        low_(p.nodes.size(), 0),
        component_(p.nodes.size(), 0),
        on_stack_(p.nodes.size()) {
    for (NodeIndex i = 0; i < p.nodes.size(); ++i) {
      if (index_[i] == 0) Visit(i);
    }
  }
  const std::vector<NodeIndex>& order() const { return order_; }  // children first
  uint32_t component(NodeIndex i) const { return component_[i]; }
  bool cyclic(NodeIndex i) const { return cyclic_[component_[i]]; }

 private:
  struct Step {
    NodeIndex node;
    std::vector<NodeIndex> references;
    size_t next = 0;
  };

  void Enter(NodeIndex node, std::vector<Step>& steps) {
    index_[node] = low_[node] = ++counter_;
    stack_.push_back(node);
    on_stack_[node] = true;
    Step step{node, {}, 0};
    ForEachReference(p_, p_.nodes[node], [&](NodeIndex r) { step.references.push_back(r); });
    steps.push_back(std::move(step));
  }

  void Visit(NodeIndex root) {
    std::vector<Step> steps;
    Enter(root, steps);
    while (!steps.empty()) {
      Step& step = steps.back();
      if (step.next < step.references.size()) {
        const NodeIndex r = step.references[step.next++];
        if (r == step.node) self_.push_back(r);
        if (index_[r] == 0) {
          Enter(r, steps);
        } else if (on_stack_[r]) {
          low_[step.node] = std::min(low_[step.node], index_[r]);
        }
        continue;
      }
      const NodeIndex node = step.node;
      steps.pop_back();
      if (!steps.empty()) low_[steps.back().node] = std::min(low_[steps.back().node], low_[node]);
      if (low_[node] != index_[node]) continue;
      size_t members = 0;
      for (;;) {
        const NodeIndex member = stack_.back();
        stack_.pop_back();
        on_stack_[member] = false;
        component_[member] = static_cast<uint32_t>(cyclic_.size());
        order_.push_back(member);
        ++members;
        if (member == node) break;
      }
      const bool loop = std::find(self_.begin(), self_.end(), node) != self_.end();
      cyclic_.push_back(members > 1 || loop);
      self_.clear();
    }
  }

  const Program& p_;
  std::vector<uint32_t> index_, low_, component_;
  std::vector<bool> on_stack_;
  std::vector<NodeIndex> stack_, order_, self_;
  std::vector<bool> cyclic_;
  uint32_t counter_ = 0;
};

bool Productive(const Program& p, const Node& n) {
  const auto ok = [&](NodeIndex i) { return i != kNoNode && p.nodes[i].productive; };
  switch (n.kind) {
    case NodeKind::kNever:
      return false;
    case NodeKind::kLiterals:
      return !p.literals[n.a].entries.empty();
    case NodeKind::kString:
    case NodeKind::kText: {
      const StringSpec& spec = p.strings[n.a];
      return spec.start != CharDfa::kDead && spec.min <= spec.max;
    }
    case NodeKind::kBytes:
    case NodeKind::kToken:
    case NodeKind::kKeys:
      return true;
    case NodeKind::kSequence:
      for (uint32_t i = 0; i < n.b; ++i) {
        if (!ok(p.Child(n, i))) return false;
      }
      return true;
    case NodeKind::kChoice:
      for (uint32_t i = 0; i < n.b; ++i) {
        if (ok(p.Child(n, i))) return true;
      }
      return false;
    case NodeKind::kRepeat:
      return n.b == 0 || ok(n.a);
    case NodeKind::kObject: {
      const ObjectSpec& spec = p.objects[n.a];
      uint64_t required = 0, usable = 0;
      for (const auto& property : spec.properties) {
        if (property.required && !ok(property.value)) return false;
        required += property.required;
        usable += ok(property.value);
      }
      const bool extras = std::any_of(spec.extras.begin(), spec.extras.end(),
                                      [&](const auto& e) { return ok(e.key) && ok(e.value); });
      return required <= spec.max && spec.min <= spec.max && (extras || usable >= spec.min);
    }
    case NodeKind::kArray: {
      const ArraySpec& spec = p.arrays[n.a];
      if (spec.min > spec.max) return false;
      if (!spec.unique.empty()) {
        size_t usable = 0;
        for (NodeIndex i : spec.unique) usable += ok(i);
        return usable >= spec.min;
      }
      for (size_t i = 0; i < spec.prefix.size() && i < spec.min; ++i) {
        if (!ok(spec.prefix[i])) return false;
      }
      if (spec.min > spec.prefix.size() && !ok(spec.item)) return false;
      if (spec.containing == kNoNode || spec.min_contains == 0) return true;
      if (!ok(spec.containing) || spec.min_contains > spec.max) return false;
      return true;
    }
  }
  return false;
}

void ComputeObjectTables(Program& p, ObjectSpec& spec) {
  const size_t n = spec.properties.size();
  spec.usable.assign(n + 1, 0);
  spec.next_required.assign(n + 1, static_cast<uint32_t>(n));
  spec.required_from.assign(n + 2, 0);
  spec.usable_from.assign(n + 2, 0);
  spec.required_bits = 0;
  for (size_t i = n; i-- > 0;) {
    const auto& property = spec.properties[i];
    spec.usable[i] = p.nodes[property.value].productive;
    spec.next_required[i] =
        property.required ? static_cast<uint32_t>(i) : spec.next_required[i + 1];
    spec.required_from[i] = spec.required_from[i + 1] + property.required;
    spec.usable_from[i] = spec.usable_from[i + 1] + spec.usable[i];
    if (property.required && i < 64) spec.required_bits |= uint64_t{1} << i;
  }
  spec.extras_usable = std::any_of(spec.extras.begin(), spec.extras.end(), [&](const auto& e) {
    return p.nodes[e.key].productive && p.nodes[e.value].productive;
  });
  spec.counted = spec.min > 0 || spec.max != kNoLimit;
}

// Nullable, first bytes and tokens of one node from those of its children.
void Summarize(const Program& p, Node& n) {
  ByteSet first;
  bool nullable = false, token = false;
  if (n.productive) {
    switch (n.kind) {
      case NodeKind::kLiterals:
        for (const std::string& entry : p.literals[n.a].entries) {
          if (entry.empty())
            nullable = true;
          else
            first.Add(static_cast<uint8_t>(entry[0]));
        }
        break;
      case NodeKind::kBytes:
        first = p.automata[n.a].live[1];
        nullable = p.automata[n.a].accepting[1];
        break;
      case NodeKind::kString:
        first = JsonString::Live(JsonString::Start(p.strings[n.a]));
        break;
      case NodeKind::kText: {
        const auto start = JsonString::Start(p.strings[n.a]);
        JsonString::LiveText(*p.chars, p.strings[n.a], start, 0, first);
        nullable = JsonString::TextMayEnd(*p.chars, p.strings[n.a], start, 0);
        break;
      }
      case NodeKind::kKeys:
        break;
      case NodeKind::kObject:
        first.Add('{');
        break;
      case NodeKind::kArray:
        first.Add('[');
        break;
      case NodeKind::kSequence:
        nullable = true;
        for (uint32_t i = 0; i < n.b && nullable; ++i) {
          const Node& child = p.nodes[p.Child(n, i)];
          first.Add(child.first);
          token = token || child.has_token;
          nullable = child.nullable;
        }
        break;
      case NodeKind::kChoice:
        for (uint32_t i = 0; i < n.b; ++i) {
          const Node& child = p.nodes[p.Child(n, i)];
          first.Add(child.first);
          token = token || child.has_token;
          nullable = nullable || child.nullable;
        }
        break;
      case NodeKind::kRepeat:
        first = p.nodes[n.a].first;
        token = p.nodes[n.a].has_token;
        nullable = n.b == 0 || p.nodes[n.a].nullable;
        break;
      case NodeKind::kToken:
        token = true;
        break;
      default:
        break;
    }
  }
  n.first = first;
  n.nullable = nullable;
  n.has_token = token;
}

uint64_t HashOwn(const Program& p, const Node& n) {
  uint64_t h = MixFingerprint(static_cast<uint64_t>(n.kind) + 31, n.productive);
  const auto mix = [&](uint64_t v) { h = MixFingerprint(h, v); };
  switch (n.kind) {
    case NodeKind::kLiterals:
      mix(p.literals[n.a].hash);
      break;
    case NodeKind::kBytes:
      mix(p.automata[n.a].hash);
      break;
    case NodeKind::kString:
    case NodeKind::kText: {
      const StringSpec& spec = p.strings[n.a];
      mix(p.chars->Hash(spec.start));
      mix(static_cast<uint64_t>(spec.min) << 32 | spec.max);
      mix(spec.in_body);
      break;
    }
    case NodeKind::kKeys:
      mix(p.literals[p.objects[n.a].keys].hash);
      break;
    case NodeKind::kObject: {
      const ObjectSpec& spec = p.objects[n.a];
      mix(p.literals[spec.keys].hash);
      for (const auto& property : spec.properties) mix(property.required);
      mix(spec.extras.size());
      mix(static_cast<uint64_t>(spec.min) << 32 | spec.max);
      mix(spec.any_order * 4 + static_cast<uint64_t>(p.spacing));
      break;
    }
    case NodeKind::kArray: {
      const ArraySpec& spec = p.arrays[n.a];
      mix(static_cast<uint64_t>(spec.min) << 32 | spec.max);
      mix(static_cast<uint64_t>(spec.min_contains) << 32 | spec.max_contains);
      mix(spec.prefix.size() << 32 | spec.unique.size());
      mix((spec.item != kNoNode) * 16 + (spec.containing != kNoNode) * 8 +
          (spec.not_containing != kNoNode) * 4 + static_cast<uint64_t>(p.spacing));
      break;
    }
    case NodeKind::kRepeat:
      mix(static_cast<uint64_t>(n.b) << 32 | n.c);
      break;
    case NodeKind::kToken:
      mix(n.a);
      break;
    case NodeKind::kSequence:
    case NodeKind::kChoice:
      mix(n.b);
      break;
    default:
      break;
  }
  return h;
}

}  // namespace

void Program::Finish() {
  const Components components(*this);
  bool changed = true;
  while (changed) {
    changed = false;
    for (NodeIndex i : components.order()) {
      if (!nodes[i].productive && Productive(*this, nodes[i])) {
        nodes[i].productive = changed = true;
      }
    }
  }
  for (ObjectSpec& spec : objects) ComputeObjectTables(*this, spec);
  changed = true;
  while (changed) {
    changed = false;
    for (NodeIndex i : components.order()) {
      const Node before = nodes[i];
      Summarize(*this, nodes[i]);
      changed = changed || !(before.first == nodes[i].first) ||
                before.nullable != nodes[i].nullable || before.has_token != nodes[i].has_token;
    }
  }
  // A node on no cycle hashes its tree. The nodes of a cycle hash their place in the whole of it:
  // every member's own part and every reference, in a fixed order.
  const auto& order = components.order();
  for (size_t begin = 0; begin < order.size();) {
    size_t end = begin + 1;
    while (end < order.size() &&
           components.component(order[end]) == components.component(order[begin]))
      ++end;
    if (!components.cyclic(order[begin])) {
      uint64_t h = HashOwn(*this, nodes[order[begin]]);
      ForEachReference(*this, nodes[order[begin]],
                       [&](NodeIndex r) { h = MixFingerprint(h, nodes[r].hash); });
      nodes[order[begin]].hash = h;
    } else {
      std::vector<NodeIndex> members(order.begin() + static_cast<std::ptrdiff_t>(begin),
                                     order.begin() + static_cast<std::ptrdiff_t>(end));
      std::sort(members.begin(), members.end());
      uint64_t whole = members.size();
      for (NodeIndex m : members) {
        whole = MixFingerprint(whole, HashOwn(*this, nodes[m]));
        ForEachReference(*this, nodes[m], [&](NodeIndex r) {
          const bool inside = components.component(r) == components.component(m);
          const auto at = std::lower_bound(members.begin(), members.end(), r) - members.begin();
          whole = MixFingerprint(whole, inside ? static_cast<uint64_t>(at) : nodes[r].hash);
        });
      }
      for (size_t k = 0; k < members.size(); ++k) nodes[members[k]].hash = MixFingerprint(whole, k);
    }
    begin = end;
  }
}

size_t Program::Bytes() const {
  size_t total =
      sizeof(Program) + nodes.size() * sizeof(Node) + children.size() * sizeof(NodeIndex);
  for (const LiteralSet& set : literals) {
    total += sizeof(set) + set.outcomes.size() * sizeof(uint32_t);
    for (const std::string& e : set.entries)
      total += sizeof(e) + (e.size() > 15 ? e.size() + 1 : 0);
  }
  for (const ByteDfa& dfa : automata)
    total += sizeof(dfa) + dfa.next.size() * 4 + dfa.live.size() * 34;
  for (const ObjectSpec& o : objects) {
    total += sizeof(o) + o.properties.size() * 24 + o.extras.size() * sizeof(ObjectSpec::Extra);
  }
  for (const ArraySpec& a : arrays) total += sizeof(a) + (a.prefix.size() + a.unique.size()) * 4;
  return total + strings.size() * sizeof(StringSpec);
}

}  // namespace hearth::grammar
