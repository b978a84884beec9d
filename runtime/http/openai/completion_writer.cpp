#include "runtime/http/openai/completion_writer.h"

#include "runtime/http/openai/errors.h"

namespace hearth::http::openai {
namespace {

using serving::ChatDelta;
using serving::ChatReply;
using serving::ScoredToken;

class CompletionWriter : public ReplyWriter {
 public:
  CompletionWriter(AnswerHead head, bool stream, bool logprobs, std::vector<std::string> echoed,
                   size_t choices_per_prompt)
      : head_(std::move(head)),
        stream_(stream),
        logprobs_(logprobs),
        choices_per_prompt_(choices_per_prompt),
        echoed_(std::move(echoed)),
        choices_(head_.choices) {}

  bool streams() const override { return stream_; }
  std::string content_type() const override {
    return stream_ ? "text/event-stream" : "application/json";
  }

  std::string Begin() override {
    std::string out;
    for (size_t i = 0; i < choices_.size(); ++i) {
      if (!echoed_[i].empty()) out += Add(i, echoed_[i], {});
    }
    return out;
  }
  std::string Delta(size_t index, const ChatDelta& delta) override {
    if (delta.kind != ChatDelta::Kind::kText) return "";
    return Add(index, delta.text, delta.tokens);
  }
  std::string ChoiceEnd(size_t index, const ChatReply& reply) override {
    const char* reason = reply.reason == model::FinishReason::kLength ? "length" : "stop";
    // Choices of one prompt share it; prompts add up.
    if (index % choices_per_prompt_ == 0) {
      usage_.prompt_tokens += reply.usage.prompt_tokens;
      usage_.cached_tokens += reply.usage.cached_tokens;
    }
    usage_.completion_tokens += reply.usage.completion_tokens;
    if (stream_) return Event(Chunk(index, "", {}, reason));
    Choice& choice = choices_[index];
    choice.json = {{"index", index}, {"text", choice.text}};
    choice.json["logprobs"] = logprobs_ ? LogprobsJson(choice.tokens, 0) : Json();
    choice.json["finish_reason"] = reason;
    return "";
  }
  std::string End() override {
    Json answer = Frame();
    answer["choices"] = Json::array();
    if (!stream_) {
      for (Choice& choice : choices_) answer["choices"].push_back(std::move(choice.json));
    }
    answer["usage"] = UsageJson(usage_, 0);
    if (!stream_) return DumpJson(answer);
    return (head_.include_usage ? Event(answer) : "") + "data: [DONE]\n\n";
  }
  std::string Failure(const ApiError& error) override {
    return stream_ ? Event(ErrorJson(error)) : "";
  }
  HttpResponse Refusal(const ApiError& error) override { return ErrorResponse(error); }
  std::string KeepAlive(uint32_t done, uint32_t total) override {
    return Concat(": ", done, " of ", total, " prompt tokens\n\n");
  }

 private:
  struct Choice {
    std::string text;
    size_t sent = 0;  // bytes of text in earlier chunks
    std::vector<ScoredToken> tokens;
    Json json;
  };

  static std::string Event(const Json& json) { return "data: " + DumpJson(json) + "\n\n"; }
  Json Frame() const {
    return {{"id", head_.id},
            {"object", "text_completion"},
            {"created", head_.created},
            {"model", head_.model}};
  }
  // `offset` is where in the text the first token begins.
  static Json LogprobsJson(const std::vector<ScoredToken>& tokens, size_t offset) {
    Json json = {{"tokens", Json::array()},
                 {"token_logprobs", Json::array()},
                 {"top_logprobs", Json::array()},
                 {"text_offset", Json::array()}};
    for (const ScoredToken& token : tokens) {
      json["tokens"].push_back(token.bytes);
      json["token_logprobs"].push_back(token.logprob);
      Json top = Json::object();
      for (const auto& [bytes, logprob] : token.likeliest) top[bytes] = logprob;
      json["top_logprobs"].push_back(std::move(top));
      json["text_offset"].push_back(offset);
      offset += token.bytes.size();
    }
    return json;
  }
  Json Chunk(size_t index, const std::string& text, const std::vector<ScoredToken>& tokens,
             Json finish_reason) {
    Json chunk = Frame();
    Json choice = {{"index", index}, {"text", text}};
    choice["logprobs"] = tokens.empty() ? Json() : LogprobsJson(tokens, choices_[index].sent);
    choice["finish_reason"] = std::move(finish_reason);
    chunk["choices"] = Json::array({std::move(choice)});
    if (head_.include_usage) chunk["usage"] = nullptr;
    return chunk;
  }
  std::string Add(size_t index, const std::string& text, const std::vector<ScoredToken>& tokens) {
    Choice& choice = choices_[index];
    if (!stream_) {
      choice.text += text;
      choice.tokens.insert(choice.tokens.end(), tokens.begin(), tokens.end());
      return "";
    }
    std::string out = Event(Chunk(index, text, tokens, Json()));
    choice.sent += text.size();
    return out;
  }

  const AnswerHead head_;
  const bool stream_;
  const bool logprobs_;
  const size_t choices_per_prompt_;
  const std::vector<std::string> echoed_;
  std::vector<Choice> choices_;
  model::Usage usage_;
};

}  // namespace

std::unique_ptr<ReplyWriter> MakeCompletionWriter(AnswerHead head, bool stream, bool logprobs,
                                                  std::vector<std::string> echoed,
                                                  size_t choices_per_prompt) {
  return std::make_unique<CompletionWriter>(std::move(head), stream, logprobs, std::move(echoed),
                                            choices_per_prompt);
}

}  // namespace hearth::http::openai
