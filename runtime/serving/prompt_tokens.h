// A rendered prompt as token ids.
#pragma once

#include <vector>

#include "model/tokenizer.h"
#include "runtime/base/core/token_set.h"
#include "runtime/serving/chat_template.h"

namespace hearth::serving {

// Control tokens come from trusted runs alone. BOS is added only where the template wrote it.
std::vector<TokenId> EncodePrompt(const model::Tokenizer& tokenizer, const RenderedPrompt& prompt);

}  // namespace hearth::serving
