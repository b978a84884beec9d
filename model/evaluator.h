// Evaluator: raw logits of given token sequences, for comparing the engine with an oracle and for
// measuring it. It samples nothing and keeps nothing between calls.
//
// Not thread-safe; uses the model's thread.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "model/kv_type.h"
#include "model/lora.h"
#include "model/model.h"

namespace hearth::model {

class Evaluator {
 public:
  // Sequences may hold `max_tokens` tokens altogether.
  static Result<std::unique_ptr<Evaluator>> Create(Model& model, KvType kv_type,
                                                   uint32_t max_tokens);
  ~Evaluator();

  // Starts over with n empty sequences.
  void Reset(size_t n);
  uint32_t length(size_t sequence) const;
  // From now on all sequences are computed with the adapter (null: without one).
  void SetAdapter(std::shared_ptr<const LoraAdapter> adapter);

  enum class Want : uint8_t { kNothing, kLast, kAll };
  struct Input {
    size_t sequence = 0;
    std::span<const TokenId> tokens;
    Want want = Want::kLast;
  };
  // Hears the logits of one position: [vocab_size], valid during the call.
  using Visitor = std::function<void(size_t sequence, uint32_t position, std::span<const float>)>;
  // Appends each input to its sequence (each sequence at most once a call) and runs them together,
  // in passes of at most `chunk` tokens. An id outside the vocabulary, or more tokens than there is
  // room for, is an Error and changes nothing.
  Status Append(std::span<const Input> inputs, const Visitor& visit, uint32_t chunk = 512);

 private:
  struct State;
  explicit Evaluator(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace hearth::model
