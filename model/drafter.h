// Drafter: guesses at what a model will write, from something cheaper than the model.
//
// A guess changes how fast a text is written, never which: the model checks each in one pass over
// all, and draws every token itself.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "runtime/base/core/result.h"
#include "runtime/base/core/token_set.h"

namespace hearth::model {

class Sampler;

// Belongs to the engine's thread.
class Drafter {
 public:
  virtual ~Drafter() = default;
  // Appends at most `most` guesses at what follows `tokens`, the text of request `id` so far.
  // `sampler` is in the state in which the request's next token will be drawn: a drafter that draws
  // with a copy of it draws by the same chances, and so agrees more often. An Error (a device was
  // lost) is for good: it is not asked again.
  virtual Status Draft(uint64_t id, std::span<const TokenId> tokens, const Sampler& sampler,
                       uint32_t most, std::vector<TokenId>& out) = 0;
  // The request is over, or lost its place for a while.
  virtual void Forget(uint64_t id) = 0;
};

}  // namespace hearth::model
