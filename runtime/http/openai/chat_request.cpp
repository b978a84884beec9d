#include "runtime/http/openai/chat_request.h"

#include <algorithm>
#include <charconv>

#include "runtime/http/openai/fields.h"
#include "runtime/http/openai/guidance.h"
#include "runtime/http/openai/message_parser.h"

namespace hearth::http::openai {
namespace {

constexpr size_t kMostStops = 4;
constexpr int64_t kMostTokens = 1 << 30;

void ParseCommon(Fields& top, CommonOptions& common, std::optional<ApiError>& error) {
  const auto model = top.String("model");
  if (!model || model->empty()) top.Complain("model", "is missing; GET /v1/models lists the names");
  common.model = model.value_or("");
  common.stream = top.Bool("stream").value_or(false);
  if (const Json* options = top.Object("stream_options")) {
    if (!common.stream) top.Complain("stream_options", "is for requests with stream: true");
    Fields fields(*options, "stream_options", error);
    common.include_usage = fields.Bool("include_usage").value_or(false);
  }
  common.choices = static_cast<uint32_t>(top.Integer("n", 1, kMostChoices).value_or(1));
  if (const auto seed = top.Integer("seed", INT64_MIN, INT64_MAX)) {
    common.seed = static_cast<uint64_t>(*seed);
  }
}

void ParseStop(Fields& top, serving::ChatRequest& request) {
  const Json* stop = top.Find("stop");
  if (stop == nullptr) return;
  if (stop->is_string()) {
    request.stop = {stop->get<std::string>()};
    return;
  }
  if (!stop->is_array() || stop->size() > kMostStops ||
      !std::ranges::all_of(*stop, [](const Json& s) { return s.is_string(); })) {
    top.Complain("stop",
                 Concat("must be a string or an array of at most ", kMostStops, " strings"));
    return;
  }
  for (const Json& one : *stop) request.stop.push_back(one.get<std::string>());
}

void ParseLogitBias(Fields& top, model::SamplingParams& sampling) {
  const Json* bias = top.Object("logit_bias");
  if (bias == nullptr) return;
  for (const auto& [key, value] : bias->items()) {
    TokenId id = 0;
    const auto [end, failed] = std::from_chars(key.data(), key.data() + key.size(), id);
    if (failed != std::errc() || end != key.data() + key.size()) {
      top.Complain("logit_bias", Concat("'", key.substr(0, 50), "' is no token id"));
      return;
    }
    const double by = value.is_number() ? value.get<double>() : 1000;
    if (by < -100 || by > 100) {
      top.Complain("logit_bias", Concat("the bias of ", key, " is no number from -100 to 100"));
      return;
    }
    sampling.logit_bias.emplace_back(id, static_cast<float>(by));
  }
}

// For requests that leave the sampling to the server: the long tail of unlikely tokens, which small
// models have too much of, is cut.
model::SamplingParams UsualSampling() {
  return {.temperature = 0.7f, .top_k = 40, .top_p = 0.95f, .min_p = 0.05f};
}

constexpr int64_t kLongestWindow = 1 << 20;

// The fields of llama.cpp's server; windows of -1 reach as far back as the text.
void ParseDry(Fields& top, serving::ChatRequest& request) {
  model::SamplingParams& s = request.sampling;
  s.dry_multiplier = static_cast<float>(top.Number("dry_multiplier", 0, 100).value_or(0));
  s.dry_base = static_cast<float>(top.Number("dry_base", 1, 100).value_or(s.dry_base));
  s.dry_allowed_length = static_cast<uint32_t>(
      top.Integer("dry_allowed_length", 1, kLongestWindow).value_or(s.dry_allowed_length));
  if (const auto window = top.Integer("dry_penalty_last_n", -1, kLongestWindow)) {
    s.dry_window = static_cast<uint32_t>(*window < 0 ? kLongestWindow : *window);
  }
  const Json* breakers = top.Array("dry_sequence_breakers");
  if (breakers == nullptr) return;
  constexpr size_t kMostBreakers = 64;
  constexpr size_t kLongestBreaker = 64;
  request.dry_breakers.clear();
  for (const Json& one : *breakers) {
    const bool fits = one.is_string() && !one.get_ref<const std::string&>().empty() &&
                      one.get_ref<const std::string&>().size() <= kLongestBreaker &&
                      request.dry_breakers.size() < kMostBreakers;
    if (!fits) {
      top.Complain("dry_sequence_breakers", Concat("must be at most ", kMostBreakers,
                                                   " strings of 1 to ", kLongestBreaker, " bytes"));
      return;
    }
    request.dry_breakers.push_back(one.get<std::string>());
  }
}

// As llama.cpp's server has it: [{"id": place, "scale": number}, …]. One may have a scale other
// than 0: a sequence has one adapter.
void ParseLora(Fields& top, serving::ChatRequest& request, std::optional<ApiError>& error) {
  const Json* list = top.Array("lora");
  if (list == nullptr) return;
  for (size_t i = 0; i < list->size(); ++i) {
    const Json& one = (*list)[i];
    if (!one.is_object()) return top.Complain("lora", "must be an array of objects");
    Fields fields(one, Concat("lora[", i, "]"), error);
    const auto id = fields.Integer("id", 0, 1 << 20);
    if (!id) fields.Complain("id", "is missing");
    const double scale = fields.Number("scale", -100, 100).value_or(1);
    if (scale == 0) continue;
    if (request.adapter) return top.Complain("lora", "only one adapter may have a scale but 0");
    if (id) request.adapter = static_cast<size_t>(*id);
    request.adapter_scale = static_cast<float>(scale);
  }
}

void ParseSampling(Fields& top, serving::ChatRequest& request) {
  model::SamplingParams& s = request.sampling;
  const bool left_to_us = top.Find("temperature") == nullptr && top.Find("top_p") == nullptr &&
                          top.Find("top_k") == nullptr && top.Find("min_p") == nullptr;
  s.temperature = static_cast<float>(top.Number("temperature", 0, 2).value_or(1));
  s.top_p = static_cast<float>(top.Number("top_p", 0, 1).value_or(1));
  s.min_p = static_cast<float>(top.Number("min_p", 0, 1).value_or(0));
  // -1 means all to some clients, as 0 does.
  s.top_k =
      static_cast<uint32_t>(std::max<int64_t>(top.Integer("top_k", -1, 1 << 20).value_or(0), 0));
  if (left_to_us) s = UsualSampling();
  s.frequency_penalty = static_cast<float>(top.Number("frequency_penalty", -2, 2).value_or(0));
  s.presence_penalty = static_cast<float>(top.Number("presence_penalty", -2, 2).value_or(0));
  for (const char* name : {"repeat_penalty", "repetition_penalty"}) {
    if (const auto penalty = top.Number(name, 0.01, 10)) {
      s.repetition_penalty = static_cast<float>(*penalty);
    }
  }
  if (const auto window = top.Integer("repeat_last_n", -1, kLongestWindow)) {
    s.penalty_window = static_cast<uint32_t>(*window < 0 ? kLongestWindow : *window);
  }
  ParseDry(top, request);
  s.typical_p = static_cast<float>(top.Number("typical_p", 0, 1).value_or(1));
  s.xtc_probability = static_cast<float>(top.Number("xtc_probability", 0, 1).value_or(0));
  s.xtc_threshold = static_cast<float>(top.Number("xtc_threshold", 0, 1).value_or(0.1));
  ParseLogitBias(top, s);
  // As other servers have it: who has less comes first.
  request.priority = static_cast<int>(-top.Integer("priority", -1000, 1000).value_or(0));
  request.ignore_end = top.Bool("ignore_eos").value_or(false);
  constexpr const char* kNoSampler = "is a way of sampling that is not supported";
  top.Neutral("tfs_z", {1, 1.0}, kNoSampler);
  top.Neutral("mirostat", {0}, kNoSampler);
}

void ParseMaxTokens(Fields& top, serving::ChatRequest& request, bool chat) {
  const auto newer = chat ? top.Integer("max_completion_tokens", 1, kMostTokens) : std::nullopt;
  const auto older = top.Integer("max_tokens", 1, kMostTokens);
  if (newer && older && *newer != *older) {
    top.Complain("max_tokens", "differs from max_completion_tokens; send one of them");
  }
  // Without a bound the context is one.
  request.max_tokens = static_cast<uint32_t>(newer.value_or(older.value_or(kMostTokens)));
}

void SetBudget(ChatPlan& plan, int64_t tokens, std::string field) {
  plan.request.thinking_budget = static_cast<uint32_t>(tokens);
  plan.request.thinking_budget_is_wish = false;
  plan.budget_field = std::move(field);
}

// An effort is a budget that gives way where room is short.
void SetEffort(serving::ChatRequest& request, const std::string& effort) {
  request.template_variables["reasoning_effort"] = effort;
  struct Budget {
    std::string_view effort;
    uint32_t tokens;
  };
  constexpr Budget kBudgets[] = {
      {"none", 0}, {"minimal", 256}, {"low", 1024}, {"medium", 4096}, {"high", 16384}};
  for (const Budget& budget : kBudgets) {
    if (budget.effort != effort) continue;
    request.thinking_budget = budget.tokens;
    request.thinking_budget_is_wish = true;
  }
}

void SetThinking(ChatPlan& plan, bool enabled) {
  plan.request.template_variables["enable_thinking"] = enabled;
  if (!enabled) SetBudget(plan, 0, "");
}

// What clients of several servers send to bound the reasoning.
void ParseThinking(Fields& top, ChatPlan& plan, std::optional<ApiError>& error) {
  serving::ChatRequest& request = plan.request;
  const auto effort = [&](Fields& fields, const char* name) {
    const auto word = fields.OneOf(name, {"none", "minimal", "low", "medium", "high", "xhigh"});
    if (!word) return;
    SetEffort(request, *word);
    if (*word == "none") SetThinking(plan, false);
  };
  if (const Json* variables = top.Object("chat_template_kwargs")) {
    for (const auto& [name, value] : variables->items()) request.template_variables[name] = value;
    if (const Json* enabled = FindMember(*variables, "enable_thinking")) {
      if (enabled->is_boolean()) SetThinking(plan, enabled->get<bool>());
    }
  }
  effort(top, "reasoning_effort");
  if (const auto enabled = top.Bool("enable_thinking")) SetThinking(plan, *enabled);
  if (const Json* reasoning = top.Object("reasoning")) {
    Fields fields(*reasoning, "reasoning", error);
    effort(fields, "effort");
    if (const auto most = fields.Integer("max_tokens", 0, kMostTokens)) {
      SetBudget(plan, *most, fields.Path("max_tokens"));
    }
    if (const auto enabled = fields.Bool("enabled")) SetThinking(plan, *enabled);
  }
  if (const Json* thinking = top.Object("thinking")) {
    Fields fields(*thinking, "thinking", error);
    const auto type = fields.OneOf("type", {"enabled", "disabled"});
    if (!type) fields.Complain("type", "is missing");
    if (type) SetThinking(plan, *type == "enabled");
    if (const auto most = fields.Integer("budget_tokens", 0, kMostTokens)) {
      SetBudget(plan, *most, fields.Path("budget_tokens"));
    }
  }
  for (const char* name : {"thinking_budget", "thinking_budget_tokens"}) {
    if (const auto most = top.Integer(name, 0, kMostTokens)) SetBudget(plan, *most, name);
  }
  if (const auto word = top.String("reasoning_format")) {
    const auto field = ParseReasoningField(*word);
    if (!field) {
      top.Complain("reasoning_format", Concat("'", word->substr(0, 50),
                                              "' is none of reasoning_content, reasoning, raw"));
    } else {
      plan.reasoning = *field;
    }
  }
}

void ParseLogprobs(Fields& top, serving::ChatRequest& request) {
  request.logprobs = top.Bool("logprobs").value_or(false);
  request.top_logprobs = static_cast<uint32_t>(top.Integer("top_logprobs", 0, 20).value_or(0));
  if (request.top_logprobs > 0 && !request.logprobs) {
    top.Complain("top_logprobs", "is for requests with logprobs: true");
  }
}

}  // namespace

std::optional<ReasoningField> ParseReasoningField(std::string_view word) {
  // The second names are those of llama.cpp's server.
  if (word == "reasoning_content" || word == "deepseek" || word == "auto") {
    return ReasoningField::kReasoningContent;
  }
  if (word == "reasoning") return ReasoningField::kReasoning;
  if (word == "raw" || word == "none") return ReasoningField::kContent;
  return std::nullopt;
}

std::optional<ApiError> ParseChatRequest(const Json& body, ChatPlan& plan) {
  std::optional<ApiError> error;
  if (!body.is_object()) return BadField("", "the body must be a JSON object");
  Fields top(body, "", error);
  ParseCommon(top, plan.common, error);
  ParseMessages(body, plan.request.messages, error);
  ParseTools(body, plan.request, error);
  ParseResponseFormat(body, plan.request, error);
  plan.guidance_field = ParseGuidance(body, plan.request, error);
  ParseStop(top, plan.request);
  if (plan.request.response_schema && !plan.request.stop.empty()) {
    top.Complain("stop", "would cut the document that response_format asks for; leave it out");
  }
  ParseSampling(top, plan.request);
  ParseLora(top, plan.request, error);
  ParseMaxTokens(top, plan.request, true);
  ParseThinking(top, plan, error);
  ParseLogprobs(top, plan.request);
  top.Neutral("modalities", {Json::array({"text"})}, "only text is supported");
  top.Neutral("audio", {}, "audio is not supported");
  top.Neutral("web_search_options", {}, "there is no web search");
  top.Neutral("verbosity", {"medium"},
              "only medium is supported: the model decides how much it says");
  return error;
}

std::optional<ApiError> ParseCompletionRequest(const Json& body, CompletionPlan& plan) {
  std::optional<ApiError> error;
  if (!body.is_object()) return BadField("", "the body must be a JSON object");
  Fields top(body, "", error);
  ParseCommon(top, plan.common, error);
  const Json* prompt = top.Find("prompt");
  const auto is_tokens = [](const Json& value) {
    return value.is_array() && !value.empty() && std::ranges::all_of(value, [](const Json& id) {
             return id.is_number_integer() && id >= 0 && id <= INT32_MAX;
           });
  };
  const auto add = [&](const Json& one) {
    if (one.is_string()) {
      plan.prompts.emplace_back(one.get<std::string>());
    } else if (is_tokens(one)) {
      plan.prompts.emplace_back(one.get<std::vector<TokenId>>());
    } else {
      top.Complain("prompt", "must be a string, an array of strings, or token ids");
    }
  };
  if (prompt == nullptr) {
    top.Complain("prompt", "is missing");
  } else if (prompt->is_array() && !is_tokens(*prompt)) {
    if (prompt->empty()) top.Complain("prompt", "is empty");
    for (const Json& one : *prompt) add(one);
  } else {
    add(*prompt);
  }
  if (plan.prompts.size() * plan.common.choices > kMostChoices) {
    top.Complain("prompt", Concat("prompts times n are more than ", kMostChoices));
  }
  plan.guidance_field = ParseGuidance(body, plan.request, error);
  ParseStop(top, plan.request);
  ParseSampling(top, plan.request);
  ParseLora(top, plan.request, error);
  ParseMaxTokens(top, plan.request, false);
  if (top.Find("max_tokens") == nullptr) plan.request.max_tokens = 16;  // as the API has it
  if (const auto logprobs = top.Integer("logprobs", 0, 20)) {
    plan.request.logprobs = true;
    plan.request.top_logprobs = static_cast<uint32_t>(*logprobs);
  }
  plan.echo = top.Bool("echo").value_or(false);
  if (plan.echo && plan.request.logprobs) {
    top.Complain("echo", "log probabilities of the prompt are not supported");
  }
  top.Neutral("suffix", {""}, "filling in before a suffix is not supported");
  const auto best = top.Integer("best_of", 1, kMostChoices);
  if (best && static_cast<uint32_t>(*best) != plan.common.choices) {
    top.Complain("best_of", "must equal n: the server does not choose among answers");
  }
  return error;
}

}  // namespace hearth::http::openai
