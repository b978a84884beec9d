#include <algorithm>
#include <cmath>
#include <optional>

#include "model/evaluator.h"
#include "runtime/main/inspect.h"

namespace hearth::main {
namespace {

using model::Evaluator;

// One sequence of a request: what it holds and what is asked about it.
struct Query {
  std::vector<TokenId> ids;
  std::vector<TokenId> want;
  int top = 0;
  int greedy = 0;
  bool logprobs = false;
};

struct Answer {
  std::vector<float> last;  // logits after the last id
  std::vector<double> logprobs;
  std::vector<TokenId> greedy;
};

Result<std::vector<TokenId>> ReadIds(const Json& ids, const char* name, uint32_t vocab) {
  std::vector<TokenId> out;
  if (!ids.is_array()) {
    return MakeError(ErrorCode::kInvalidArgument, name, ": expected an array of token ids");
  }
  for (const Json& id : ids) {
    if (!id.is_number_integer() || id.get<int64_t>() < 0 || id.get<int64_t>() >= vocab) {
      return MakeError(ErrorCode::kInvalidArgument, name, ": ", id.dump(),
                       " is not a token id below ", vocab);
    }
    out.push_back(id.get<TokenId>());
  }
  return out;
}

Result<Query> ReadQuery(const Json& request, const model::ModelConfig& config) {
  Query query;
  const Json* ids = FindMember(request, "ids");
  if (ids == nullptr) return MakeError(ErrorCode::kInvalidArgument, "ids: missing");
  HEARTH_TRY(query.ids, ReadIds(*ids, "ids", config.vocab_size));
  if (query.ids.empty()) return MakeError(ErrorCode::kInvalidArgument, "ids: empty");
  if (const Json* want = FindMember(request, "want")) {
    HEARTH_TRY(query.want, ReadIds(*want, "want", config.vocab_size));
  }
  const auto count = [&](const char* name, int high, int& out) -> Status {
    const Json* value = FindMember(request, name);
    if (value == nullptr) return {};
    if (!value->is_number_integer() || value->get<int64_t>() < 0 || value->get<int64_t>() > high) {
      return MakeError(ErrorCode::kInvalidArgument, name, ": expected a whole number from 0 to ",
                       high);
    }
    out = value->get<int>();
    return {};
  };
  HEARTH_CHECK_OK(count("top", static_cast<int>(config.vocab_size), query.top));
  HEARTH_CHECK_OK(count("greedy", 100000, query.greedy));
  if (const Json* logprobs = FindMember(request, "logprobs")) {
    if (!logprobs->is_boolean()) {
      return MakeError(ErrorCode::kInvalidArgument, "logprobs: expected a boolean");
    }
    query.logprobs = logprobs->get<bool>();
  }
  if (query.ids.size() + static_cast<size_t>(query.greedy) > config.context_length) {
    return MakeError(ErrorCode::kResourceExhausted, "ids: ", query.ids.size(), " and ",
                     query.greedy, " greedy tokens do not fit the model's context of ",
                     config.context_length);
  }
  return query;
}

double LogProbability(std::span<const float> logits, TokenId id) {
  const float top = *std::ranges::max_element(logits);
  double sum = 0;
  for (float x : logits) sum += std::exp(static_cast<double>(x) - top);
  return logits[static_cast<size_t>(id)] - top - std::log(sum);
}

TokenId Best(std::span<const float> logits) {
  return static_cast<TokenId>(std::ranges::max_element(logits) - logits.begin());
}

Json Reply(const Query& query, const Answer& answer) {
  Json reply = Json::object();
  Json logits = Json::object();
  std::vector<TokenId> shown = query.want;
  if (query.top > 0) {
    std::vector<TokenId> order(answer.last.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<TokenId>(i);
    std::partial_sort(
        order.begin(), order.begin() + query.top, order.end(), [&](TokenId a, TokenId b) {
          return answer.last[static_cast<size_t>(a)] > answer.last[static_cast<size_t>(b)];
        });
    shown.insert(shown.end(), order.begin(), order.begin() + query.top);
  }
  for (TokenId id : shown) {
    // As a double: the text then reads back as the same float.
    logits[std::to_string(id)] = static_cast<double>(answer.last[static_cast<size_t>(id)]);
  }
  if (!shown.empty()) reply["logits"] = std::move(logits);
  if (query.greedy > 0) reply["greedy"] = answer.greedy;
  if (query.logprobs) reply["logprobs"] = answer.logprobs;
  return reply;
}

class LogitsService {
 public:
  static Result<std::shared_ptr<LogitsService>> Create(const std::string& path,
                                                       const model::ModelOptions& options,
                                                       model::KvType kv_type,
                                                       const std::string& lora_path) {
    auto self = std::make_shared<LogitsService>();
    HEARTH_TRY(self->model_, model::Model::Load(path, options));
    constexpr uint32_t kMostTokens = 65536;
    const uint32_t tokens = std::min(kMostTokens, 8 * self->model_->config().context_length);
    HEARTH_TRY(self->evaluator_, Evaluator::Create(*self->model_, kv_type, tokens));
    if (!lora_path.empty()) {
      HEARTH_TRY(auto adapter, model::LoraAdapter::Load(lora_path, *self->model_));
      self->evaluator_->SetAdapter(std::move(adapter));
    }
    return self;
  }

  Result<Json> Handle(const Json& request) {
    std::vector<Query> queries;
    const Json* batch = FindMember(request, "batch");
    if (batch != nullptr && !batch->is_array()) {
      return MakeError(ErrorCode::kInvalidArgument, "batch: expected an array of requests");
    }
    if (batch == nullptr) {
      HEARTH_TRY(Query query, ReadQuery(request, model_->config()));
      queries.push_back(std::move(query));
    } else {
      for (const Json& one : *batch) {
        HEARTH_TRY(Query query, ReadQuery(one, model_->config()));
        queries.push_back(std::move(query));
      }
    }
    HEARTH_TRY(const std::vector<Answer> answers, Run(queries));
    if (batch == nullptr) return Reply(queries[0], answers[0]);
    Json replies = Json::array();
    for (size_t i = 0; i < queries.size(); ++i) replies.push_back(Reply(queries[i], answers[i]));
    return Json{{"batch", std::move(replies)}};
  }

 private:
  Result<std::vector<Answer>> Run(const std::vector<Query>& queries) {
    std::vector<Answer> answers(queries.size());
    evaluator_->Reset(queries.size());
    std::vector<Evaluator::Input> inputs;
    for (size_t i = 0; i < queries.size(); ++i) {
      inputs.push_back({i, queries[i].ids,
                        queries[i].logprobs ? Evaluator::Want::kAll : Evaluator::Want::kLast});
    }
    HEARTH_CHECK_OK(
        evaluator_->Append(inputs, [&](size_t s, uint32_t position, std::span<const float> logits) {
          const Query& query = queries[s];
          if (position + 1 < query.ids.size()) {
            answers[s].logprobs.push_back(LogProbability(logits, query.ids[position + 1]));
          } else {
            answers[s].last.assign(logits.begin(), logits.end());
            if (query.greedy > 0) answers[s].greedy.push_back(Best(logits));
          }
        }));
    while (true) {
      inputs.clear();
      for (size_t i = 0; i < queries.size(); ++i) {
        const auto& greedy = answers[i].greedy;
        if (!greedy.empty() && greedy.size() < static_cast<size_t>(queries[i].greedy)) {
          inputs.push_back({i, std::span(greedy).last(1), Evaluator::Want::kLast});
        }
      }
      if (inputs.empty()) return answers;
      std::vector<std::pair<size_t, TokenId>> next;
      HEARTH_CHECK_OK(evaluator_->Append(inputs, [&](size_t s, uint32_t, std::span<const float> l) {
        next.emplace_back(s, Best(l));
      }));
      for (const auto& [s, id] : next) answers[s].greedy.push_back(id);
    }
  }

  std::unique_ptr<model::Model> model_;
  std::unique_ptr<Evaluator> evaluator_;
};

}  // namespace

Result<Inspector> InspectLogits(const std::string& model_path, const model::ModelOptions& options,
                                model::KvType kv_type, const std::string& lora_path) {
  HEARTH_TRY(const auto service, LogitsService::Create(model_path, options, kv_type, lora_path));
  return JsonInspector([service](const Json& request) { return service->Handle(request); });
}

}  // namespace hearth::main
