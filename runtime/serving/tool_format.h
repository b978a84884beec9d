// ToolFormat: how a model family writes tool calls and reasoning.
//
// One description gives the grammar of a reply, the parser that takes the reply apart as it
// streams, and what is said to the model where its template does not know tools.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "grammars/compiled_grammar.h"
#include "runtime/base/core/result.h"
#include "runtime/serving/chat.h"

namespace hearth::serving {

struct ToolFormat {
  std::string_view name;
  std::string_view begin;      // before the first call; free text ends where it occurs
  std::string_view separator;  // between two calls
  std::string_view end;        // after the last call
  bool decides_first;  // every reply begins with the calls, an empty list where none is needed
  std::string_view arguments_key;  // {"name": "…", "<arguments_key>": {…}}
  std::string_view think_begin;    // around reasoning; empty: the family has none
  std::string_view think_end;

  // Where free text ends: no text holds it, for the grammar as for the parser.
  std::string_view trigger() const { return begin.empty() ? "{\"name\": \"" : begin; }
  // What opens a call and leads up to its arguments.
  std::string CallHead(std::string_view tool) const;
};

// SmolLM2, and every model whose template knows no tools: <tool_call>[{…}, {…}]</tool_call>, and
// before an answer without a call <tool_call>[]</tool_call>. Left to write freely, such a model
// hardly ever calls a tool; asked to decide first, it often does.
extern const ToolFormat kTaggedArray;
// Hermes, Qwen2.5, Qwen3: <tool_call>\n{…}\n</tool_call>, repeated
extern const ToolFormat kTaggedObjects;
// Llama 3.x: the whole reply is {"name": …, "parameters": {…}}
extern const ToolFormat kBareObject;

// What completes a text without any markers: nothing in it is reasoning or a call.
extern const ToolFormat kPlainText;

// Where in the text of a reply calls may stand.
enum class CallPlace : uint8_t { kNowhere, kAnywhere, kFirst };
// That of replies to this request.
CallPlace PlaceOfCalls(const ChatRequest& request);
// The format of replies to this request to a model of this format: where a document stands beside
// calls that have no marker, they could not be told apart.
const ToolFormat& FormatOfReply(const ToolFormat& format, const ChatRequest& request);

// The format that a template renders calls in, found in its text.
const ToolFormat& FindToolFormat(std::string_view template_source, bool knows_tools);

// The tools in a few words, for the system message of a model whose template knows no tools. (Their
// schemas would be long, and such a model learns more from examples.)
std::string DescribeTools(const ToolSchemas& tools);
// Calls as the model itself would write them.
std::string WriteCalls(const ToolFormat& format, const std::vector<ToolCall>& calls);

// A reply under the request: reasoning and text are free, a call names one of the tools and has
// arguments of its schema. `thinking` says that the prompt left a reasoning block open.
Result<std::shared_ptr<const grammar::CompiledGrammar>> CompileReply(const ToolFormat& format,
                                                                     const ChatRequest& request,
                                                                     bool thinking);

}  // namespace hearth::serving
