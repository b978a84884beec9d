// Tokens by id: which may come, and the step by one.
#include "grammars/matcher/machine.h"
#include "grammars/matcher/machine_state.h"

namespace hearth::grammar {

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

}  // namespace hearth::grammar
