// The words of a conversation with a language model: plain values, so that the model may run in
// this process, in another or behind a URL.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "model/engine.h"
#include "model/sampling.h"
#include "runtime/base/json.h"

namespace hearth::serving {

enum class Role : uint8_t { kSystem, kUser, kAssistant, kTool };

struct ToolCall {
  std::string id;
  std::string name;
  Json arguments = Json::object();
};

struct Message {
  Role role = Role::kUser;
  std::string content;
  // Of an assistant:
  std::string reasoning;
  std::vector<ToolCall> calls;
  std::string raw;  // exactly what the model wrote, where this model wrote it; else empty
  // Of a tool's result:
  std::string call_id;
  std::string name;
};

// The form of chat templates and of the OpenAI API: {"type": "function", "function": {…}}.
using ToolSchemas = Json;

enum class ToolChoice : uint8_t {
  kAuto,      // the model decides
  kNone,      // text only
  kRequired,  // at least one call
};

// A worked example for models that were not trained to use tools; without a tool where none is
// needed.
struct WorkedExample {
  std::string request;
  std::string tool;
  Json arguments;
  std::string result;
  std::string answer;
};

// A bound on the answer that is no JSON Schema.
struct AnswerGrammar {
  enum class Kind : uint8_t {
    kRegex,          // text: an ECMA-262 pattern that the whole answer matches
    kChoice,         // value: an array of strings, one of which is the answer
    kGrammar,        // text: GBNF where it has ::=, else Lark
    kStructuralTag,  // value: as XGrammar defines it
  };
  Kind kind = Kind::kRegex;
  std::string text;
  Json value;
};

struct ChatRequest {
  std::vector<Message> messages;
  ToolSchemas tools = Json::array();
  std::vector<WorkedExample> examples;  // read only where the model knows no tools
  ToolChoice tool_choice = ToolChoice::kAuto;
  std::vector<std::string> callable;  // the tools that may be called, by name; empty: all
  bool parallel_calls = true;
  // The answer is a JSON document of this schema. With tools that may be called: that, or calls.
  std::optional<Json> response_schema;
  std::optional<AnswerGrammar> answer_grammar;  // instead of a schema
  bool bounds_answer() const { return response_schema || answer_grammar; }
  std::vector<std::string> stop;            // the text ends before the first of these
  std::optional<uint32_t> thinking_budget;  // most tokens of reasoning
  bool thinking_budget_is_wish = false;     // it gives way where no room would be left to answer
  Json template_variables = Json::object();
  bool logprobs = false;
  uint32_t top_logprobs = 0;
  bool ignore_end = false;  // free text goes on until max_tokens
  model::SamplingParams sampling;
  // DRY's repetitions do not reach across a token that has one of these in it.
  std::vector<std::string> dry_breakers = {"\n", ":", "\"", "*"};
  int priority = 0;               // a higher one is answered first
  std::optional<size_t> adapter;  // one of the model's, by its place
  float adapter_scale = 1;
  uint32_t max_tokens = 1024;
};

// A token of the answer with its log probability; one that the grammar dictated has 0.
struct ScoredToken {
  std::string bytes;
  TokenId id = -1;
  float logprob = 0;
  std::vector<std::pair<std::string, float>> likeliest;  // bytes and log probability
};

// What is reported while the model works, in order; nothing reported is ever taken back.
struct ChatDelta {
  enum class Kind : uint8_t {
    kPrefill,        // done and total prompt tokens
    kReasoning,      // text
    kText,           // text
    kCallName,       // a tool call begins: text is the tool's name
    kCallArguments,  // text: the next bytes of its arguments
    kCallEnd,        // its arguments are complete
  };
  Kind kind = Kind::kText;
  std::string text;
  uint32_t done = 0;
  uint32_t total = 0;
  std::vector<ScoredToken> tokens;  // kText, where log probabilities are asked for
};
using DeltaSink = std::function<void(const ChatDelta&)>;

struct ChatReply {
  Message message;  // what the assistant said; raw is set
  model::FinishReason reason = model::FinishReason::kStop;
  model::Usage usage;
  uint32_t reasoning_tokens = 0;  // of the completion
  // The transcript as the model saw it: token ids that were added to what it had seen before (all
  // of them where `restarted`), and those that it wrote.
  std::vector<TokenId> rendered;
  std::vector<TokenId> generated;
  bool restarted = false;
};

}  // namespace hearth::serving
