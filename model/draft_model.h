// A small model as the drafter of a large one with the same vocabulary.
#pragma once

#include <memory>

#include "model/drafter.h"
#include "model/kv_type.h"
#include "model/model.h"

namespace hearth::model {

// `context_tokens`: the longest text that is guessed for; longer ones are written without guesses.
// Refuses a draft model whose vocabulary is not the target's. It runs on the engine's thread,
// between passes of the target, and keeps the KV of several texts.
Result<std::shared_ptr<Drafter>> CreateDraftModel(std::unique_ptr<Model> draft, const Model& target,
                                                  KvType kv_type, uint32_t context_tokens);

}  // namespace hearth::model
