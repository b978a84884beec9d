#include "model/evaluator.h"

#include <algorithm>

#include "model/backend/backend.h"
#include "model/cache/block_table.h"
#include "model/transformer/transformer.h"

namespace hearth::model {

struct Evaluator::State {
  State(Model& m, std::unique_ptr<KvStorage> storage, uint32_t n_blocks)
      : model(m), kv(std::move(storage)), allocator(n_blocks) {}

  struct Sequence {
    BlockTable table;
    uint32_t length = 0;
  };
  Model& model;
  std::unique_ptr<KvStorage> kv;
  BlockAllocator allocator;
  std::vector<Sequence> sequences;
  std::shared_ptr<const LoraAdapter> adapter;
  std::vector<float> logits;
};

Evaluator::Evaluator(std::unique_ptr<State> state) : state_(std::move(state)) {}
Evaluator::~Evaluator() = default;

Result<std::unique_ptr<Evaluator>> Evaluator::Create(Model& model, KvType kv_type,
                                                     uint32_t max_tokens) {
  // Each sequence may leave one block half empty.
  constexpr uint32_t kSpareBlocks = 256;
  const uint32_t n_blocks = BlockTable::BlocksFor(max_tokens) + kSpareBlocks;
  HEARTH_TRY(auto kv, model.transformer().backend().CreateKv(n_blocks, 0, kv_type));
  return std::unique_ptr<Evaluator>(
      new Evaluator(std::make_unique<State>(model, std::move(kv), n_blocks)));
}

void Evaluator::Reset(size_t n) {
  state_->sequences.clear();
  for (size_t i = 0; i < n; ++i) state_->sequences.push_back({BlockTable(state_->allocator)});
}

void Evaluator::SetAdapter(std::shared_ptr<const LoraAdapter> adapter) {
  state_->adapter = std::move(adapter);
}

uint32_t Evaluator::length(size_t sequence) const { return state_->sequences[sequence].length; }

Status Evaluator::Append(std::span<const Input> inputs, const Visitor& visit, uint32_t chunk) {
  State& s = *state_;
  const uint32_t vocab = s.model.config().vocab_size;
  uint32_t blocks = 0;
  for (const Input& input : inputs) {
    for (TokenId id : input.tokens) {
      if (id < 0 || static_cast<uint32_t>(id) >= vocab) {
        return MakeError(ErrorCode::kInvalidArgument, "token id ", id,
                         " is outside the vocabulary of ", vocab);
      }
    }
    const State::Sequence& sequence = s.sequences[input.sequence];
    blocks += BlockTable::BlocksFor(sequence.length + static_cast<uint32_t>(input.tokens.size())) -
              static_cast<uint32_t>(sequence.table.blocks().size());
  }
  if (blocks > s.allocator.free()) {
    return MakeError(ErrorCode::kResourceExhausted, "the sequences need ", blocks,
                     " more KV blocks, only ", s.allocator.free(), " are free");
  }
  std::vector<size_t> done(inputs.size(), 0);
  std::vector<TokenId> tokens;
  std::vector<BatchSequence> sequences;
  std::vector<uint32_t> heads;
  std::vector<std::pair<size_t, uint32_t>> origins;  // (sequence, position) of each head
  while (true) {
    tokens.clear();
    sequences.clear();
    heads.clear();
    origins.clear();
    for (size_t i = 0; i < inputs.size() && tokens.size() < chunk; ++i) {
      const auto& all = inputs[i].tokens;
      const size_t count = std::min<size_t>(all.size() - done[i], chunk - tokens.size());
      if (count == 0) continue;
      State::Sequence& sequence = s.sequences[inputs[i].sequence];
      const auto first = static_cast<uint32_t>(tokens.size());
      const uint32_t start = sequence.length;
      sequence.length += static_cast<uint32_t>(count);
      sequence.table.Reserve(sequence.length);
      sequences.push_back({.first = first,
                           .count = static_cast<uint32_t>(count),
                           .start = start,
                           .blocks = sequence.table.blocks(),
                           .adapter = s.adapter ? &s.adapter->weights() : nullptr});
      for (size_t k = 0; k < count; ++k) {
        const bool last = done[i] + k + 1 == all.size();
        if (inputs[i].want == Want::kAll || (inputs[i].want == Want::kLast && last)) {
          heads.push_back(first + static_cast<uint32_t>(k));
          origins.emplace_back(inputs[i].sequence, start + static_cast<uint32_t>(k));
        }
        tokens.push_back(all[done[i] + k]);
      }
      done[i] += count;
    }
    if (tokens.empty()) return {};
    s.logits.resize(heads.size() * vocab);
    HEARTH_CHECK_OK(s.model.transformer().Forward(
        *s.kv,
        {.tokens = tokens, .sequences = sequences, .heads = heads, .logits = s.logits.data()}));
    for (size_t h = 0; h < heads.size(); ++h) {
      visit(origins[h].first, origins[h].second, std::span(s.logits).subspan(h * vocab, vocab));
    }
  }
}

}  // namespace hearth::model
