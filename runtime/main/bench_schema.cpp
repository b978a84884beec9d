#include "runtime/main/bench_schema.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <vector>

#include "model/evaluator.h"
#include "runtime/base/clock.h"
#include "runtime/main/read_schema.h"
#include "runtime/serving/local_model.h"

namespace hearth::main {
namespace {

using serving::ChatRequest;
using serving::LocalModel;
using serving::PreparedReply;

struct Run {
  std::vector<TokenId> tokens;
  uint32_t forced = 0;
  double seconds = 1e30;  // from the first token to the end
};

// One greedy reply.
Result<Run> Generate(const LocalModel& model, const PreparedReply& prepared) {
  using Clock = std::chrono::steady_clock;
  HEARTH_TRY(const auto stream, model.Start(prepared, 1));
  Run run;
  std::vector<model::Event> events;
  Clock::time_point begun;
  while (true) {
    stream->Wait();
    events.clear();
    stream->Take(events);
    for (const model::Event& event : events) {
      if (event.kind == model::Event::Kind::kToken) {
        if (run.tokens.empty()) begun = Clock::now();
        run.tokens.push_back(event.token);
      }
      if (event.kind != model::Event::Kind::kFinished) continue;
      if (event.reason == model::FinishReason::kError) return event.error;
      run.forced = event.usage.forced_tokens;
      run.seconds = std::chrono::duration<double>(Clock::now() - begun).count();
      return run;
    }
  }
}

// The best of several: a shared machine only ever adds time.
Result<Run> Best(const LocalModel& model, const PreparedReply& prepared, uint32_t repetitions) {
  Run best;
  for (uint32_t i = 0; i < repetitions; ++i) {
    HEARTH_TRY(Run run, Generate(model, prepared));
    if (run.seconds < best.seconds) best = std::move(run);
  }
  return best;
}

double TokensPerSecond(const Run& run) {
  return static_cast<double>(run.tokens.size() - 1) / std::max(run.seconds, 1e-9);
}

// Of the run's tokens behind the prompt, per byte that they spell.
Result<double> LogprobPerByte(model::Model& model, const BenchOptions& options,
                              const std::vector<TokenId>& prompt, const Run& run) {
  std::vector<TokenId> all = prompt;
  all.insert(all.end(), run.tokens.begin(), run.tokens.end());
  HEARTH_TRY(const auto evaluator,
             model::Evaluator::Create(model, options.kv_type, static_cast<uint32_t>(all.size())));
  evaluator->Reset(1);
  double sum = 0;
  size_t bytes = 0;
  const model::Evaluator::Input inputs[] = {{0, all, model::Evaluator::Want::kAll}};
  const Status done =
      evaluator->Append(inputs, [&](size_t, uint32_t position, std::span<const float> logits) {
        const size_t next = position + 1;
        if (next < prompt.size() || next >= all.size()) return;
        const float most = *std::max_element(logits.begin(), logits.end());
        double total = 0;
        for (const float x : logits) total += std::exp(static_cast<double>(x) - most);
        sum += logits[static_cast<size_t>(all[next])] - most - std::log(total);
        bytes += model.tokenizer().bytes(all[next]).size();
      });
  HEARTH_CHECK_OK(done);
  return sum / static_cast<double>(std::max<size_t>(bytes, 1));
}

ChatRequest CallRequest(const Json& schema) {
  ChatRequest request;
  request.tools = Json::array({{{"type", "function"},
                                {"function",
                                 {{"name", "create_record"},
                                  {"description", "Creates a record."},
                                  {"parameters", schema}}}}});
  request.messages = {{.role = serving::Role::kUser,
                       .content = "Create a record with the create_record tool. Make up plausible "
                                  "short values for all of its fields."}};
  request.tool_choice = serving::ToolChoice::kRequired;
  request.parallel_calls = false;
  request.sampling.temperature = 0;
  request.max_tokens = 400;
  return request;
}

}  // namespace

Result<Json> RunSchemaBench(const BenchOptions& options, const std::string& schema_path) {
  HEARTH_TRY(const Json schema, ReadSchema(schema_path));
  const SystemClock clock;
  serving::LocalModelOptions local;
  local.model = options.model;
  local.engine.kv_type = options.kv_type;
  local.engine.max_sequences = 1;
  PreparedReply prepared;
  Run forced, masked, free;
  {
    HEARTH_TRY(const auto model, LocalModel::Load(options.model_path, local, clock));
    serving::RequestPart part;
    const ChatRequest request = CallRequest(schema);
    HEARTH_TRY(prepared, model->Prepare(request, part));
    HEARTH_TRY(forced, Best(*model, prepared, options.repetitions));
    prepared.forced_runs = false;
    HEARTH_TRY(masked, Best(*model, prepared, options.repetitions));
    ChatRequest open = request;
    open.tool_choice = serving::ToolChoice::kNone;
    open.ignore_end = true;
    open.max_tokens = static_cast<uint32_t>(std::max<size_t>(forced.tokens.size(), 2));
    HEARTH_TRY(PreparedReply unbound, model->Prepare(open, part));
    unbound.grammar = nullptr;
    HEARTH_TRY(free, Best(*model, unbound, options.repetitions));
  }
  HEARTH_TRY(const auto model, model::Model::Load(options.model_path, options.model));
  HEARTH_TRY(const double forced_score, LogprobPerByte(*model, options, prepared.prompt, forced));
  HEARTH_TRY(const double masked_score, LogprobPerByte(*model, options, prepared.prompt, masked));
  return Json{{"model", options.model_path},
              {"schema", schema_path},
              {"tokens", forced.tokens.size()},
              {"forced_share", static_cast<double>(forced.forced) /
                                   static_cast<double>(std::max<size_t>(forced.tokens.size(), 1))},
              {"free_tok_s", TokensPerSecond(free)},
              {"masked_tok_s", TokensPerSecond(masked)},
              {"schema_tok_s", TokensPerSecond(forced)},
              {"speedup", TokensPerSecond(forced) / TokensPerSecond(free)},
              {"same_tokens", forced.tokens == masked.tokens},
              {"logprob_per_byte_forced", forced_score},
              {"logprob_per_byte_masked", masked_score},
              {"text", model->tokenizer().Decode(forced.tokens, true)}};
}

}  // namespace hearth::main
