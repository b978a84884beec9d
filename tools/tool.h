// Tool: something that a model may call, and what it gives back.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "memory/trust.h"
#include "runtime/base/clock.h"
#include "runtime/base/core/result.h"
#include "runtime/base/json.h"

namespace hearth::tools {

// What a call may know about its surroundings. Owned by whoever calls; must outlive the call.
struct ToolContext {
  const Clock& clock;
  std::string repository = "default";              // the session's task repository
  memory::Trust writer = memory::Trust::kTrusted;  // label of what the call stores
  std::string call_id;                             // names this call: an idempotency key
  std::stop_token stop;  // a call that takes long looks at it and ends early
};

struct ToolCall {
  const Json& arguments;  // an object that fits the tool's schema
  const ToolContext& context;
};

struct ToolResult {
  std::string text;               // for the model and for people: what happened, in a line or a few
  Json structured;                // for programs: an object, or null
  bool is_error = false;          // nothing was done; the text says why and what to do instead
  std::vector<int64_t> task_ids;  // tasks that the text shows
  memory::Trust trust = memory::Trust::kTrusted;  // of the text: its least trusted writer

  static ToolResult Failure(std::string text) {
    ToolResult result;
    result.text = std::move(text);
    result.is_error = true;
    return result;
  }
};

// The hints of MCP's ToolAnnotations.
struct ToolAnnotations {
  bool read_only = false;    // changes nothing
  bool destructive = false;  // may remove or overwrite
  bool idempotent = false;   // calling again with the same arguments changes nothing more
  bool open_world = false;   // reaches beyond our own store
};

// How a call gets along with a crash.
enum class Durability {
  kOwnStore,  // all that it touches lies in our store: runs in one transaction with its result's
              // record
  kKeyed,     // safe to run again with the same call_id
  kOnce,      // never run again: after a crash it is reported as "may have run"
};

// A worked example: what a person may say, the call that answers it, what the tool returns and what is
// then said. Models that were not trained to use tools learn from these.
struct ToolExample {
  std::string request;
  Json arguments;
  std::string result;
  std::string answer;
};

struct Tool {
  std::string name;         // 1 to 64 letters, digits, '_', '-', '.'
  std::string title;        // for people
  std::string description;  // for the model
  Json parameters;          // JSON Schema of the arguments: an object
  Json output;              // JSON Schema of `structured`, or null
  std::vector<ToolExample> examples;
  ToolAnnotations annotations;
  Durability durability = Durability::kOnce;
  // May run on several threads at once. An Error becomes a result with is_error and the error's
  // text.
  std::function<Result<ToolResult>(const ToolCall&)> handler;
};

// {"type": "function", "function": {name, description, parameters}}: how chat templates and the
// OpenAI API name a tool.
Json ToFunctionJson(const Tool& tool);

}  // namespace hearth::tools
