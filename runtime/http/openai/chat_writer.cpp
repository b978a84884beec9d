#include "runtime/http/openai/chat_writer.h"

#include "runtime/base/ids.h"
#include "runtime/http/openai/errors.h"

namespace hearth::http::openai {
namespace {

using serving::ChatDelta;
using serving::ChatReply;
using serving::ScoredToken;

const char* FinishReason(const ChatReply& reply, bool has_calls) {
  if (reply.reason == model::FinishReason::kLength) return "length";
  return has_calls ? "tool_calls" : "stop";
}

Json BytesJson(const std::string& bytes) {
  Json list = Json::array();
  for (const char c : bytes) list.push_back(static_cast<unsigned char>(c));
  return list;
}

Json LogprobsJson(const std::vector<ScoredToken>& tokens) {
  Json list = Json::array();
  for (const ScoredToken& token : tokens) {
    Json top = Json::array();
    for (const auto& [bytes, logprob] : token.likeliest) {
      top.push_back({{"token", bytes}, {"logprob", logprob}, {"bytes", BytesJson(bytes)}});
    }
    list.push_back({{"token", token.bytes},
                    {"logprob", token.logprob},
                    {"bytes", BytesJson(token.bytes)},
                    {"top_logprobs", std::move(top)}});
  }
  return list;
}

// What both ways of answering share: the choices as they grow.
class ChatWriter : public ReplyWriter {
 public:
  ChatWriter(AnswerHead head, ReasoningField reasoning, bool logprobs, TurnMemory& memory)
      : head_(std::move(head)),
        reasoning_(reasoning),
        logprobs_(logprobs),
        memory_(memory),
        choices_(head_.choices) {}

  HttpResponse Refusal(const ApiError& error) override { return ErrorResponse(error); }

 protected:
  struct Call {
    std::string id;
    std::string name;
    std::string arguments;
  };
  struct Choice {
    std::vector<Call> calls;
    bool thinks = false;  // inside <think> in the content
  };

  // The pieces of the content and of the reasoning that a delta means, in this order.
  struct Pieces {
    std::string reasoning;
    std::string content;
  };
  Pieces Split(Choice& choice, const ChatDelta& delta) const {
    const bool is_reasoning = delta.kind == ChatDelta::Kind::kReasoning;
    if (reasoning_ != ReasoningField::kContent) {
      return is_reasoning ? Pieces{delta.text, ""} : Pieces{"", delta.text};
    }
    std::string text;
    if (is_reasoning && !std::exchange(choice.thinks, true)) text = "<think>";
    if (!is_reasoning) text = CloseThinking(choice);
    return {"", text + delta.text};
  }
  std::string CloseThinking(Choice& choice) const {
    return std::exchange(choice.thinks, false) ? "</think>\n\n" : "";
  }
  const char* reasoning_name() const {
    return reasoning_ == ReasoningField::kReasoning ? "reasoning" : "reasoning_content";
  }
  Call& AddCall(Choice& choice, const std::string& name) {
    constexpr size_t kIdBytes = 16;
    choice.calls.push_back({"call_" + RandomHex(kIdBytes), name, ""});
    return choice.calls.back();
  }

  // Keeps count, and what the model thought before its calls.
  void EndChoice(const Choice& choice, const ChatReply& reply) {
    AddUsage(usage_, reply.usage);
    reasoning_tokens_ += reply.reasoning_tokens;
    serving::Message message = reply.message;
    if (message.calls.empty() || message.calls.size() != choice.calls.size()) return;
    for (size_t i = 0; i < message.calls.size(); ++i) message.calls[i].id = choice.calls[i].id;
    memory_.Keep(message);
  }

  const AnswerHead head_;
  const ReasoningField reasoning_;
  const bool logprobs_;
  TurnMemory& memory_;
  std::vector<Choice> choices_;
  model::Usage usage_;
  uint32_t reasoning_tokens_ = 0;
};

class StreamWriter : public ChatWriter {
 public:
  using ChatWriter::ChatWriter;

  bool streams() const override { return true; }
  std::string content_type() const override { return "text/event-stream"; }

  std::string Begin() override {
    std::string out;
    for (size_t i = 0; i < choices_.size(); ++i) {
      out += Chunk(i, {{"role", "assistant"}});
    }
    return out;
  }

  std::string Delta(size_t index, const ChatDelta& delta) override {
    Choice& choice = choices_[index];
    switch (delta.kind) {
      case ChatDelta::Kind::kPrefill:
        return "";
      case ChatDelta::Kind::kReasoning:
      case ChatDelta::Kind::kText: {
        const Pieces pieces = Split(choice, delta);
        if (!pieces.reasoning.empty()) {
          return Chunk(index, {{reasoning_name(), pieces.reasoning}});
        }
        if (pieces.content.empty()) return "";
        return Chunk(index, {{"content", pieces.content}}, Json(),
                     delta.tokens.empty() ? Json() : Json{{"content", LogprobsJson(delta.tokens)}});
      }
      case ChatDelta::Kind::kCallName: {
        std::string out;
        if (std::string end = CloseThinking(choice); !end.empty()) {
          out = Chunk(index, {{"content", std::move(end)}});
        }
        const Call& call = AddCall(choice, delta.text);
        return out + CallChunk(index, {{"index", choice.calls.size() - 1},
                                       {"id", call.id},
                                       {"type", "function"},
                                       {"function", {{"name", call.name}, {"arguments", ""}}}});
      }
      case ChatDelta::Kind::kCallArguments:
        return CallChunk(
            index, {{"index", choice.calls.size() - 1}, {"function", {{"arguments", delta.text}}}});
      case ChatDelta::Kind::kCallEnd:
        return "";
    }
    return "";
  }

  std::string ChoiceEnd(size_t index, const ChatReply& reply) override {
    Choice& choice = choices_[index];
    EndChoice(choice, reply);
    std::string out;
    if (std::string end = CloseThinking(choice); !end.empty()) {
      out = Chunk(index, {{"content", std::move(end)}});
    }
    return out + Chunk(index, Json::object(), FinishReason(reply, !choice.calls.empty()));
  }

  std::string End() override {
    std::string out;
    if (head_.include_usage) {
      Json chunk = Frame();
      chunk["choices"] = Json::array();
      chunk["usage"] = UsageJson(usage_, reasoning_tokens_);
      out = Event(chunk);
    }
    return out + "data: [DONE]\n\n";
  }

  std::string Failure(const ApiError& error) override { return Event(ErrorJson(error)); }
  std::string KeepAlive(uint32_t done, uint32_t total) override {
    return Concat(": ", done, " of ", total, " prompt tokens\n\n");
  }

 private:
  static std::string Event(const Json& json) { return "data: " + DumpJson(json) + "\n\n"; }
  Json Frame() const {
    return {{"id", head_.id},
            {"object", "chat.completion.chunk"},
            {"created", head_.created},
            {"model", head_.model}};
  }
  std::string Chunk(size_t index, Json delta, Json finish_reason = Json(), Json logprobs = Json()) {
    Json chunk = Frame();
    Json choice = {{"index", index}, {"delta", std::move(delta)}};
    choice["logprobs"] = std::move(logprobs);
    choice["finish_reason"] = std::move(finish_reason);
    chunk["choices"] = Json::array({std::move(choice)});
    if (head_.include_usage) chunk["usage"] = nullptr;
    return Event(chunk);
  }
  std::string CallChunk(size_t index, Json call) {
    return Chunk(index, {{"tool_calls", Json::array({std::move(call)})}});
  }
};

class WholeWriter : public ChatWriter {
 public:
  using ChatWriter::ChatWriter;

  bool streams() const override { return false; }
  std::string content_type() const override { return "application/json"; }
  std::string Begin() override {
    texts_.resize(choices_.size());
    return "";
  }

  std::string Delta(size_t index, const ChatDelta& delta) override {
    Choice& choice = choices_[index];
    Text& text = texts_[index];
    switch (delta.kind) {
      case ChatDelta::Kind::kPrefill:
        break;
      case ChatDelta::Kind::kReasoning:
      case ChatDelta::Kind::kText: {
        const Pieces pieces = Split(choice, delta);
        text.reasoning += pieces.reasoning;
        text.content += pieces.content;
        text.tokens.insert(text.tokens.end(), delta.tokens.begin(), delta.tokens.end());
        break;
      }
      case ChatDelta::Kind::kCallName:
        text.content += CloseThinking(choice);
        AddCall(choice, delta.text);
        break;
      case ChatDelta::Kind::kCallArguments:
        choice.calls.back().arguments += delta.text;
        break;
      case ChatDelta::Kind::kCallEnd:
        break;
    }
    return "";
  }

  std::string ChoiceEnd(size_t index, const ChatReply& reply) override {
    Choice& choice = choices_[index];
    Text& text = texts_[index];
    EndChoice(choice, reply);
    text.content += CloseThinking(choice);
    Json message = {{"role", "assistant"}};
    const bool silent = text.content.empty() && !choice.calls.empty();
    message["content"] = silent ? Json() : Json(text.content);
    message["refusal"] = nullptr;
    if (!text.reasoning.empty()) message[reasoning_name()] = text.reasoning;
    for (const Call& call : choice.calls) {
      message["tool_calls"].push_back(
          {{"id", call.id},
           {"type", "function"},
           {"function", {{"name", call.name}, {"arguments", call.arguments}}}});
    }
    text.json = {{"index", index}, {"message", std::move(message)}};
    text.json["logprobs"] = logprobs_ && choice.calls.empty()
                                ? Json{{"content", LogprobsJson(text.tokens)}, {"refusal", nullptr}}
                                : Json();
    text.json["finish_reason"] = FinishReason(reply, !choice.calls.empty());
    return "";
  }

  std::string End() override {
    Json answer = {{"id", head_.id},
                   {"object", "chat.completion"},
                   {"created", head_.created},
                   {"model", head_.model}};
    for (Text& text : texts_) answer["choices"].push_back(std::move(text.json));
    answer["usage"] = UsageJson(usage_, reasoning_tokens_);
    return DumpJson(answer);
  }
  std::string Failure(const ApiError&) override { return ""; }  // a whole answer never began
  std::string KeepAlive(uint32_t, uint32_t) override { return ""; }

 private:
  struct Text {
    std::string reasoning, content;
    std::vector<ScoredToken> tokens;
    Json json;
  };
  std::vector<Text> texts_;
};

}  // namespace

void AddUsage(model::Usage& sum, const model::Usage& one) {
  // The choices of a request have their prompt in common.
  sum.prompt_tokens = std::max(sum.prompt_tokens, one.prompt_tokens);
  sum.cached_tokens = std::max(sum.cached_tokens, one.cached_tokens);
  sum.completion_tokens += one.completion_tokens;
}

Json UsageJson(const model::Usage& usage, uint32_t reasoning_tokens) {
  return {{"prompt_tokens", usage.prompt_tokens},
          {"completion_tokens", usage.completion_tokens},
          {"total_tokens", usage.prompt_tokens + usage.completion_tokens},
          {"prompt_tokens_details", {{"cached_tokens", usage.cached_tokens}}},
          {"completion_tokens_details", {{"reasoning_tokens", reasoning_tokens}}}};
}

std::unique_ptr<ReplyWriter> MakeChatWriter(AnswerHead head, bool stream, ReasoningField reasoning,
                                            bool logprobs, TurnMemory& memory) {
  if (stream) {
    return std::make_unique<StreamWriter>(std::move(head), reasoning, logprobs, memory);
  }
  return std::make_unique<WholeWriter>(std::move(head), reasoning, logprobs, memory);
}

}  // namespace hearth::http::openai
