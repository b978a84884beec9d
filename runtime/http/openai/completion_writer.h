// CompletionWriter: answers of /v1/completions, streamed or whole.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "runtime/http/openai/chat_writer.h"

namespace hearth::http::openai {

// `echoed` holds, for each choice, the prompt to repeat in front of its text; may be empty strings.
std::unique_ptr<ReplyWriter> MakeCompletionWriter(AnswerHead head, bool stream, bool logprobs,
                                                  std::vector<std::string> echoed,
                                                  size_t choices_per_prompt);

}  // namespace hearth::http::openai
