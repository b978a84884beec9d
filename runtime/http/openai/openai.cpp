#include "runtime/http/openai.h"

#include <memory>

#include "runtime/base/ids.h"
#include "runtime/http/openai/chat_request.h"
#include "runtime/http/openai/chat_writer.h"
#include "runtime/http/openai/completion_writer.h"
#include "runtime/http/openai/errors.h"
#include "runtime/http/openai/turn_memory.h"

namespace hearth::http {
namespace openai {
namespace {

using serving::ModelEntry;
using serving::RequestPart;

constexpr size_t kTurnMemoryBytes = 16 << 20;

// All of the dialect's handlers, and what they keep between requests.
class Dialect {
 public:
  Dialect(ServingContext& context, const OpenAiOptions& options)
      : context_(context),
        reasoning_(ParseReasoningField(options.reasoning_field)
                       .value_or(ReasoningField::kReasoningContent)),
        memory_(kTurnMemoryBytes) {}

  Planned PlanChat(const std::string& body);
  Planned PlanCompletion(const std::string& body);
  HttpResponse ListModels() const;
  HttpResponse ShowModel(const std::string& id) const;
  ServingContext& context() { return context_; }

 private:
  using Model = std::shared_ptr<const serving::LocalModel>;
  // Loads it where need be.
  std::variant<Model, ApiError> FindModel(CommonOptions& common);
  AnswerHead MakeHead(const char* prefix, const CommonOptions& common, uint32_t choices) const;
  static uint64_t SeedOf(const CommonOptions& common, size_t choice);

  ServingContext& context_;
  const ReasoningField reasoning_;
  TurnMemory memory_;
};

uint64_t RandomSeed() {
  uint64_t seed = 0;
  FillRandom({reinterpret_cast<unsigned char*>(&seed), sizeof(seed)});
  return seed;
}

ApiError NoSuchModel(const std::string& name) {
  return {404, Concat("there is no model '", name.substr(0, 200), "'; GET /v1/models lists them"),
          "model", "model_not_found", 0};
}

// What kept a request from being prepared, by the field that is to blame.
ApiError Blame(const Error& error, RequestPart part, const char* prompt_field,
               const std::string& guidance_field, const std::string& budget_field) {
  ApiError api = ToApiError(error);
  const bool too_long = part == RequestPart::kLength && error.code == ErrorCode::kResourceExhausted;
  if (api.status == 429) api = {400, error.message, "", "", 0};
  switch (part) {
    case RequestPart::kMessages:
    case RequestPart::kLength:
      api.param = prompt_field;
      if (too_long) api.code = "context_length_exceeded";
      break;
    case RequestPart::kSampling:
      api.param = error.message.substr(0, error.message.find(':'));
      break;
    case RequestPart::kGrammar:
      api.param = error.message.starts_with("tool ") ? "tools"
                  : guidance_field.empty()           ? "response_format"
                                                     : guidance_field;
      break;
    case RequestPart::kThinking:
      api.param = budget_field;
      break;
    case RequestPart::kAdapter:
      api.param = "lora";
      break;
  }
  return api;
}

ApiError NotJson(const Error& error) { return BadField("", error.message); }

std::variant<Dialect::Model, ApiError> Dialect::FindModel(CommonOptions& common) {
  const auto entry = context_.models.Find(common.model);
  if (!entry) return NoSuchModel(common.model);
  common.model = entry->id;
  auto model = context_.models.Get(*entry);
  if (!model.ok()) {
    ApiError error = ToApiError(model.error());
    // A file that cannot be served is no fault of the request.
    if (error.status != 429) error.status = 500;
    return error;
  }
  return *std::move(model);
}

AnswerHead Dialect::MakeHead(const char* prefix, const CommonOptions& common,
                             uint32_t choices) const {
  constexpr size_t kIdBytes = 16;
  const auto now = std::chrono::floor<std::chrono::seconds>(context_.clock.Now());
  return {prefix + RandomHex(kIdBytes), common.model, now.time_since_epoch().count(), choices,
          common.include_usage};
}

uint64_t Dialect::SeedOf(const CommonOptions& common, size_t choice) {
  return common.seed ? *common.seed + choice : RandomSeed();
}

Planned Dialect::PlanChat(const std::string& body) {
  const auto json = ParseJson(body);
  if (!json.ok()) return ErrorResponse(NotJson(json.error()));
  ChatPlan chat;
  chat.reasoning = reasoning_;
  if (const auto error = ParseChatRequest(*json, chat)) return ErrorResponse(*error);
  auto found = FindModel(chat.common);
  if (const auto* error = std::get_if<ApiError>(&found)) return ErrorResponse(*error);
  GenerationPlan plan;
  plan.model = std::get<Model>(std::move(found));
  for (serving::Message& message : chat.request.messages) memory_.Complete(message);
  RequestPart part;
  auto prepared = plan.model->Prepare(chat.request, part);
  if (!prepared.ok())
    return ErrorResponse(
        Blame(prepared.error(), part, "messages", chat.guidance_field, chat.budget_field));
  plan.prompts.push_back(*std::move(prepared));
  for (size_t i = 0; i < chat.common.choices; ++i) {
    plan.choices.push_back({0, SeedOf(chat.common, i)});
  }
  plan.writer = MakeChatWriter(MakeHead("chatcmpl-", chat.common, chat.common.choices),
                               chat.common.stream, chat.reasoning, chat.request.logprobs, memory_);
  return plan;
}

Planned Dialect::PlanCompletion(const std::string& body) {
  const auto json = ParseJson(body);
  if (!json.ok()) return ErrorResponse(NotJson(json.error()));
  CompletionPlan completion;
  if (const auto error = ParseCompletionRequest(*json, completion)) return ErrorResponse(*error);
  auto found = FindModel(completion.common);
  if (const auto* error = std::get_if<ApiError>(&found)) return ErrorResponse(*error);
  GenerationPlan plan;
  plan.model = std::get<Model>(std::move(found));
  std::vector<std::string> echoed;
  for (auto& prompt : completion.prompts) {
    RequestPart part;
    auto* text = std::get_if<std::string>(&prompt);
    auto prepared = text != nullptr
                        ? plan.model->PrepareText(*text, completion.request, part)
                        : plan.model->PrepareTokens(std::get<std::vector<TokenId>>(prompt),
                                                    completion.request, part);
    if (!prepared.ok())
      return ErrorResponse(Blame(prepared.error(), part, "prompt", completion.guidance_field, ""));
    const std::string shown =
        text != nullptr ? *text : plan.model->tokenizer().Decode(prepared->prompt, true);
    for (size_t i = 0; i < completion.common.choices; ++i) {
      plan.choices.push_back({plan.prompts.size(), SeedOf(completion.common, plan.choices.size())});
      echoed.push_back(completion.echo ? shown : "");
    }
    plan.prompts.push_back(*std::move(prepared));
  }
  const auto choices = static_cast<uint32_t>(plan.choices.size());
  plan.writer = MakeCompletionWriter(MakeHead("cmpl-", completion.common, choices),
                                     completion.common.stream, completion.request.logprobs,
                                     std::move(echoed), completion.common.choices);
  return plan;
}

Json ModelJson(const ModelEntry& entry) {
  return {
      {"id", entry.id}, {"object", "model"}, {"created", entry.created}, {"owned_by", "hearth"}};
}

HttpResponse Dialect::ListModels() const {
  Json list = {{"object", "list"}, {"data", Json::array()}};
  for (const ModelEntry& entry : context_.models.List()) list["data"].push_back(ModelJson(entry));
  HttpResponse response;
  response.body = DumpJson(list);
  return response;
}

HttpResponse Dialect::ShowModel(const std::string& id) const {
  const auto entry = context_.models.Find(id);
  if (!entry) return ErrorResponse(NoSuchModel(id));
  HttpResponse response;
  response.body = DumpJson(ModelJson(*entry));
  return response;
}

using Planner = Planned (Dialect::*)(const std::string&);

boost::asio::awaitable<void> Generate(Exchange& exchange, std::shared_ptr<Dialect> dialect,
                                      Planner planner) {
  const std::string& body = exchange.request().body;
  std::function<Planned()> plan = [dialect, planner, &body] {
    return (dialect.get()->*planner)(body);
  };
  co_await PlanAndRun(exchange, dialect->context(), std::move(plan));
}

boost::asio::awaitable<void> Models(Exchange& exchange, std::shared_ptr<Dialect> dialect) {
  constexpr std::string_view kAll = "/v1/models";
  const std::string& path = exchange.request().path;
  HttpResponse response = path.size() == kAll.size()
                              ? dialect->ListModels()
                              : dialect->ShowModel(path.substr(kAll.size() + 1));
  co_await exchange.Send(std::move(response));
}

}  // namespace
}  // namespace openai

void AddOpenAiRoutes(Router& router, ServingContext& context, const OpenAiOptions& options) {
  using openai::Dialect;
  const auto dialect = std::make_shared<Dialect>(context, options);
  const auto generate = [&](const char* path, openai::Planner planner) {
    router.Add({"POST", path, path, [dialect, planner](Exchange& exchange) {
                  return openai::Generate(exchange, dialect, planner);
                }});
  };
  generate("/v1/chat/completions", &Dialect::PlanChat);
  generate("/v1/completions", &Dialect::PlanCompletion);
  const auto models = [dialect](Exchange& exchange) { return openai::Models(exchange, dialect); };
  router.Add({"GET", "/v1/models", "/v1/models", models});
  router.Add({"GET", "/v1/models/", "/v1/models/{id}", models});
}

HttpResponse OpenAiError(const ApiError& error) { return openai::ErrorResponse(error); }

}  // namespace hearth::http
