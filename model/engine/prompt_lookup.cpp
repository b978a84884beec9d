#include "model/engine/prompt_lookup.h"

#include <algorithm>
#include <bit>

namespace hearth::model {
namespace {
constexpr int kMostPlaces = 64;       // looked at in one search
constexpr uint32_t kLongEnough = 32;  // agreeing tokens: no other place is looked for
}  // namespace

PromptLookup::PromptLookup(uint32_t longest)
    : latest_(std::bit_ceil(std::max(longest, 16u)), -1), earlier_(longest, -1) {}

size_t PromptLookup::Slot(TokenId before, TokenId last) const {
  const uint64_t pair = static_cast<uint64_t>(before) << 32 | static_cast<uint32_t>(last);
  return (pair * 0x9e3779b97f4a7c15u >> 32) & (latest_.size() - 1);
}

void PromptLookup::Extend(std::span<const TokenId> text) {
  const auto end = static_cast<uint32_t>(std::min(text.size(), earlier_.size()));
  for (uint32_t i = std::max(known_, 1u); i < end; ++i) {
    int32_t& latest = latest_[Slot(text[i - 1], text[i])];
    earlier_[i] = latest;
    latest = static_cast<int32_t>(i);
  }
  known_ = end;
}

uint32_t PromptLookup::Find(std::span<const TokenId> text, uint32_t most,
                            std::vector<TokenId>& out) {
  if (text.size() < 2 || text.size() != known_) return 0;
  uint32_t best = 1;
  size_t from = 0;
  // Whether more of the text's end agrees with what ends at `place` than with the best so far.
  const auto look_at = [&](size_t place) {
    const auto ends =
        std::mismatch(text.rbegin(), text.rend(),
                      text.rbegin() + static_cast<ptrdiff_t>(known_ - 1 - place), text.rend());
    const auto agree = static_cast<uint32_t>(ends.first - text.rbegin());
    if (agree <= best) return;
    best = agree;
    from = place + 1;
  };
  // What is copied is copied on, as a rule: then the source is as far back as it was.
  if (distance_ > 0 && distance_ < known_) look_at(known_ - 1 - distance_);
  int32_t place = earlier_[known_ - 1];
  for (int i = 0; i < kMostPlaces && place >= 0 && best < kLongEnough; ++i) {
    look_at(static_cast<size_t>(place));
    place = earlier_[static_cast<size_t>(place)];
  }
  if (from == 0) return 0;
  distance_ = known_ - static_cast<uint32_t>(from);
  // A text that repeats itself goes on with what was just guessed.
  const size_t first = out.size();
  for (size_t i = from; out.size() - first < most; ++i) {
    out.push_back(i < text.size() ? text[i] : out[first + i - text.size()]);
  }
  return best;
}

}  // namespace hearth::model
