#include "runtime/serving/thinking_budget.h"

#include <algorithm>

namespace hearth::serving {

ThinkingBudget::ThinkingBudget(std::unique_ptr<model::TokenConstraint> inner,
                               std::shared_ptr<const model::Tokenizer> tokenizer,
                               const ChatFormat& format, bool open, uint32_t budget)
    : inner_(std::move(inner)),
      tokenizer_(std::move(tokenizer)),
      begin_marker_(WithoutControlMarks(format.think_begin)),
      end_marker_(WithoutControlMarks(format.think_end)),
      end_(tokenizer_->Encode(end_marker_, {.parse_special = true})) {
  for (const ChatFormat::Region& region : format.regions) {
    for (const std::string& trigger : region.triggers) {
      if (!format.EndsThinking(trigger)) continue;
      const size_t begin = trigger.find(kControlBegin) + 1;
      const std::string name = trigger.substr(begin, trigger.find(kControlEnd) - begin);
      breaks_.push_back(format.control.at(name));
    }
  }
  state_.left = budget;
  if (open) state_.phase = budget == 0 ? Phase::kClosing : Phase::kThinking;
}

bool ThinkingBudget::IsFree() const {
  return state_.phase != Phase::kClosing && (inner_ == nullptr || inner_->IsFree());
}

Status ThinkingBudget::Fill(TokenSet& out) {
  if (state_.phase != Phase::kClosing) return inner_->Fill(out);
  out = {.kind = TokenSet::Kind::kOne, .one = end_[state_.closing]};
  return {};
}

void ThinkingBudget::Advance(State& state, TokenId id) const {
  switch (state.phase) {
    case Phase::kDone:
      return;
    case Phase::kClosing:
      if (++state.closing == end_.size()) state.phase = Phase::kDone;
      return;
    case Phase::kBefore: {
      state.tail += tokenizer_->bytes(id);
      const std::string_view marker = begin_marker_;
      const size_t n = std::min(state.tail.size(), marker.size());
      if (std::string_view(state.tail).substr(0, n) != marker.substr(0, n)) {
        state.phase = Phase::kDone;
      } else if (n == marker.size()) {
        state.tail.erase(0, n);
        state.phase = state.left == 0 ? Phase::kClosing : Phase::kThinking;
      }
      return;
    }
    case Phase::kThinking: {
      state.tail += tokenizer_->bytes(id);
      if (state.tail.find(end_marker_) != std::string::npos ||
          std::ranges::find(breaks_, id) != breaks_.end()) {
        state.phase = Phase::kDone;
        return;
      }
      const size_t kept = std::min(state.tail.size(), end_marker_.size() - 1);
      state.tail.erase(0, state.tail.size() - kept);
      if (--state.left == 0) state.phase = Phase::kClosing;
      return;
    }
  }
}

bool ThinkingBudget::Accept(TokenId id) {
  if (state_.phase == Phase::kClosing && id != end_[state_.closing]) return false;
  if (inner_ != nullptr && !inner_->Accept(id)) return false;
  history_.push_back(state_);
  Advance(state_, id);
  return true;
}

void ThinkingBudget::Rollback(int n) {
  if (inner_ != nullptr) inner_->Rollback(n);
  const size_t steps = std::min(static_cast<size_t>(n), history_.size());
  if (steps == 0) return;
  state_ = history_[history_.size() - steps];
  history_.resize(history_.size() - steps);
}

int ThinkingBudget::AllowedPrefix(std::span<const TokenId> draft) {
  const int allowed =
      inner_ != nullptr ? inner_->AllowedPrefix(draft) : static_cast<int>(draft.size());
  State state = state_;
  for (int i = 0; i < allowed; ++i) {
    const TokenId id = draft[static_cast<size_t>(i)];
    if (state.phase == Phase::kClosing && id != end_[state.closing]) return i;
    Advance(state, id);
  }
  return allowed;
}

void ThinkingBudget::ForcedRun(std::vector<TokenId>& out) {
  if (state_.phase == Phase::kClosing) {
    out.insert(out.end(), end_.begin() + static_cast<std::ptrdiff_t>(state_.closing), end_.end());
  } else if (inner_ != nullptr) {
    inner_->ForcedRun(out);
  }
}

bool ThinkingBudget::CanEnd() const {
  return state_.phase != Phase::kClosing && (inner_ == nullptr || inner_->CanEnd());
}

}  // namespace hearth::serving
