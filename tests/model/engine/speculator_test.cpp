#include "model/engine/speculator.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>

namespace hearth::model {
namespace {

// A pass costs so much more with each token: guesses must be likely to pay.
StepCost RisingCost() {
  StepCost cost;
  for (uint32_t tokens = 1; tokens <= 16; ++tokens) cost.Observe(tokens, 0.7 + 0.3 * tokens);
  return cost;
}

// A text that is written as the engine does: drafts are taken as far as they are right.
class Writer {
 public:
  explicit Writer(std::vector<TokenId> text)
      : text_(std::move(text)), speculator_({.now = [] { return 0.0; }}, cost_) {
    GenerationRequest request;
    request.prompt = {text_[0]};
    request.max_tokens = static_cast<uint32_t>(text_.size());
    running_.push_back(std::make_unique<Sequence>(1, std::move(request), allocator_));
    sequence().tokens.reserve(text_.size());
    sequence().reading = false;
  }
  Sequence& sequence() { return *running_[0]; }
  bool AtEnd() { return sequence().tokens.size() + Speculation::kMostGuesses >= text_.size(); }

  // The draft for what comes next.
  std::vector<TokenId> Step() {
    Sequence& s = sequence();
    s.computed = s.length() - 1;
    speculator_.Propose(running_);
    const std::vector<TokenId> draft = s.draft;
    const uint32_t length = s.length();
    for (size_t i = 0; i <= draft.size(); ++i) {
      s.tokens.push_back(text_[s.tokens.size()]);
      ++s.usage.completion_tokens;
      if (i < draft.size() && draft[i] != s.tokens.back()) break;
    }
    speculator_.Learn(s, length);
    return draft;
  }

 private:
  const std::vector<TokenId> text_;
  const StepCost cost_ = RisingCost();
  BlockAllocator allocator_{1};
  Speculator speculator_;
  std::vector<std::unique_ptr<Sequence>> running_;
};

// Lines of several lengths come again and again, each with another number behind it. How much of a
// line agrees says nothing about where the copy breaks off; the line's end does.
TEST_CASE("a copy is not followed past a token behind which copies break off") {
  constexpr TokenId kEnd = 9;
  std::mt19937 random(4);
  std::vector<TokenId> text = {1};
  for (TokenId number = 1000; number < 1400; ++number) {
    constexpr TokenId kLengths[] = {3, 5, 8, 12};
    const size_t line = random() % 4;
    TokenId first = 10;
    for (size_t i = 0; i < line; ++i) first += kLengths[i];
    for (TokenId i = 0; i < kLengths[line]; ++i) text.push_back(first + i);
    text.insert(text.end(), {kEnd, number});
  }
  Writer writer(std::move(text));
  size_t whole = 0;
  while (!writer.AtEnd()) {
    const bool learned = writer.sequence().tokens.size() > 1000;
    const std::vector<TokenId> draft = writer.Step();
    if (!learned || draft.empty()) continue;
    const auto end = std::ranges::find(draft, kEnd);
    REQUIRE(end + 1 == draft.end());
    whole += draft.size() > 1;
  }
  CHECK(whole > 200);  // lines that were taken in one pass
}

}  // namespace
}  // namespace hearth::model
