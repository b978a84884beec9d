// ChatWriter: answers of /v1/chat/completions, streamed or whole.
//
// A stream: chunks of one id; the first delta of a choice has the role, reasoning comes before
// content, a call's first delta has its id and name and the others its arguments, the last delta is
// empty and has the finish reason; with include_usage one chunk without choices; then [DONE]. There
// is no empty content delta.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "runtime/http/generation.h"
#include "runtime/http/openai/chat_request.h"
#include "runtime/http/openai/turn_memory.h"

namespace hearth::http::openai {

struct AnswerHead {
  std::string id;
  std::string model;
  int64_t created = 0;
  uint32_t choices = 1;
  bool include_usage = false;
};

std::unique_ptr<ReplyWriter> MakeChatWriter(AnswerHead head, bool stream, ReasoningField reasoning,
                                            bool logprobs, TurnMemory& memory);

// {"prompt_tokens", …} of all choices of one prompt together.
Json UsageJson(const model::Usage& usage, uint32_t reasoning_tokens);
void AddUsage(model::Usage& sum, const model::Usage& one);

}  // namespace hearth::http::openai
