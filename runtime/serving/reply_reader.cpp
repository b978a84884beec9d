#include "runtime/serving/reply_reader.h"

#include <utility>

namespace hearth::serving {

ReplyReader::ReplyReader(const model::Tokenizer& tokenizer, const ChatFormat& format,
                         ReplyReaderOptions options, DeltaSink sink)
    : tokenizer_(tokenizer),
      options_(std::move(options)),
      sink_(std::move(sink)),
      detokenizer_(tokenizer),
      parser_(format, options_.thinking, options_.calls, options_.tools,
              [this](const ChatDelta& delta) { OnParsed(delta); }),
      stop_(options_.stop) {}

void ReplyReader::Push(const model::Event& event) {
  switch (event.kind) {
    case model::Event::Kind::kPrefill:
      sink_({.kind = ChatDelta::Kind::kPrefill,
             .done = event.prefilled,
             .total = options_.prompt_tokens});
      return;
    case model::Event::Kind::kToken:
      if (!stopped()) PushToken(event);
      return;
    case model::Event::Kind::kFinished:
      finished_ = true;
      reply_.reason = stopped() ? model::FinishReason::kStop : event.reason;
      reply_.usage = event.usage;
      if (reply_.reason == model::FinishReason::kError) error_ = event.error;
      return;
  }
}

void ReplyReader::PushToken(const model::Event& event) {
  reply_.generated.push_back(event.token);
  const bool was_text = parser_.in_text();
  const bool was_reasoning = parser_.in_reasoning();
  if (options_.logprobs) {
    ScoredToken token{std::string(tokenizer_.bytes(event.token)), event.token, event.logprob, {}};
    for (const auto& [id, logprob] : event.top) {
      token.likeliest.emplace_back(tokenizer_.bytes(id), logprob);
    }
    scored_.push_back(std::move(token));
  }
  said_text_ = false;
  if (tokenizer_.IsControl(event.token)) {
    PushText(detokenizer_.Flush());
    PushText(Concat(std::string(1, kControlBegin), tokenizer_.bytes(event.token),
                    std::string(1, kControlEnd)));
  } else {
    PushText(detokenizer_.Push(event.token));
  }
  if (was_reasoning || parser_.in_reasoning()) ++reply_.reasoning_tokens;
  // Tokens of markers, reasoning and calls are no part of the content.
  if (options_.logprobs && !said_text_ && !was_text) scored_.clear();
}

void ReplyReader::PushText(std::string_view text) {
  if (!text.empty()) parser_.Push(text);
}

void ReplyReader::OnParsed(const ChatDelta& delta) {
  if (delta.kind == ChatDelta::Kind::kText) {
    said_text_ = true;
    ReportText(stop_.Push(delta.text));
    return;
  }
  if (!stopped()) sink_(delta);
}

void ReplyReader::ReportText(std::string text) {
  if (text.empty()) return;
  content_ += text;
  sink_({.kind = ChatDelta::Kind::kText,
         .text = std::move(text),
         .tokens = std::exchange(scored_, {})});
}

Result<ChatReply> ReplyReader::Take() {
  if (reply_.reason == model::FinishReason::kError) return error_;
  if (!stopped()) PushText(detokenizer_.Flush());
  reply_.message = parser_.Finish(reply_.reason != model::FinishReason::kStop);
  if (!stopped()) ReportText(stop_.Flush());
  // The stop string itself was never said.
  if (stopped()) {
    reply_.message.content = content_;
    reply_.message.calls.clear();
  }
  return std::move(reply_);
}

}  // namespace hearth::serving
