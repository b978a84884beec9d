#include "runtime/main/inspect.h"
#include "runtime/serving/reply_parser.h"

namespace hearth::main {
namespace {

using serving::ChatDelta;

const char* EventName(ChatDelta::Kind kind) {
  switch (kind) {
    case ChatDelta::Kind::kPrefill:
      return "prefill";
    case ChatDelta::Kind::kReasoning:
      return "reasoning";
    case ChatDelta::Kind::kText:
      return "content";
    case ChatDelta::Kind::kCallName:
      return "call";
    case ChatDelta::Kind::kCallArguments:
      return "arguments";
    case ChatDelta::Kind::kCallEnd:
      return "call_end";
  }
  return "";
}

// Tools as the API has them, or each function by itself.
Result<serving::ToolSchemas> ReadTools(const Json& request) {
  serving::ToolSchemas tools = Json::array();
  const Json* given = FindMember(request, "tools");
  if (given == nullptr || given->is_null()) return tools;
  if (!given->is_array()) {
    return MakeError(ErrorCode::kInvalidArgument, "tools: expected an array or null");
  }
  for (const Json& tool : *given) {
    const Json* inner = FindMember(tool, "function");
    const Json& function = inner != nullptr ? *inner : tool;
    const Json* name = FindMember(function, "name");
    if (name == nullptr || !name->is_string()) {
      return MakeError(ErrorCode::kInvalidArgument, "tools: a tool without a name");
    }
    tools.push_back({{"type", "function"}, {"function", function}});
  }
  return tools;
}

Result<std::vector<size_t>> ReadChunks(const Json& request, size_t length) {
  std::vector<size_t> chunks;
  const Json* given = FindMember(request, "chunks");
  if (given != nullptr && !given->is_null()) {
    if (!given->is_array()) {
      return MakeError(ErrorCode::kInvalidArgument, "chunks: expected lengths or null");
    }
    for (const Json& chunk : *given) {
      if (!chunk.is_number_integer() || chunk < 0) {
        return MakeError(ErrorCode::kInvalidArgument, "chunks: expected lengths in bytes");
      }
      const auto size = std::min<uint64_t>(chunk.get<uint64_t>(), length);
      chunks.push_back(size);
      length -= size;
    }
  }
  chunks.push_back(length);  // what the lengths leave
  return chunks;
}

// Without a prompt the text itself says whether it begins inside of reasoning: the end of a block
// comes before any beginning.
bool BeginsThinking(const serving::ChatFormat& format, const Json& request,
                    const std::string& text) {
  if (const Json* thinking = FindMember(request, "thinking")) return *thinking == true;
  if (format.think_end.empty() || format.thinks_anywhere) return false;
  const size_t end = text.find(format.think_end);
  return end != std::string::npos && text.find(format.think_begin) > end;
}

Result<Json> Parse(const serving::ChatFormat& format, const Json& request) {
  const Json* text = FindMember(request, "text");
  if (text == nullptr || !text->is_string()) {
    return MakeError(ErrorCode::kInvalidArgument, "text: expected a string");
  }
  HEARTH_TRY(const serving::ToolSchemas tools, ReadTools(request));
  const auto bytes = text->get<std::string>();
  HEARTH_TRY(const auto chunks, ReadChunks(request, bytes.size()));
  Json events = Json::array();
  // Neighbours of a kind are one event, so that the events do not depend on the chunks.
  const auto sink = [&](const ChatDelta& delta) {
    const char* type = EventName(delta.kind);
    const bool joins = !events.empty() && events.back()["type"] == type &&
                       delta.kind != ChatDelta::Kind::kCallName;
    if (joins) {
      events.back()["text"].get_ref<std::string&>() += delta.text;
    } else if (delta.kind == ChatDelta::Kind::kCallEnd) {
      events.push_back({{"type", type}});
    } else {
      events.push_back({{"type", type},
                        {delta.kind == ChatDelta::Kind::kCallName ? "name" : "text", delta.text}});
    }
  };
  serving::ReplyParser parser(format, BeginsThinking(format, request, bytes),
                              serving::CallPlace::kAnywhere, tools, sink);
  size_t at = 0;
  for (const size_t size : chunks) {
    parser.Push(std::string_view(bytes).substr(at, size));
    at += size;
  }
  const serving::Message message = parser.Finish(false);
  Json calls = Json::array();
  for (const serving::ToolCall& call : message.calls) {
    calls.push_back({{"name", call.name}, {"arguments", call.arguments}});
    if (!call.id.empty()) calls.back()["id"] = call.id;
  }
  return Json{{"reasoning", message.reasoning},
              {"content", message.content},
              {"tool_calls", std::move(calls)},
              {"events", std::move(events)}};
}

}  // namespace

Result<Inspector> InspectParse(const std::string& family) {
  const serving::ChatFormat* format = serving::FindFormat(family);
  if (format == nullptr) {
    std::string names;
    for (const serving::ChatFormat& one : serving::BuiltinFormats()) {
      names += (names.empty() ? "" : ", ") + one.name;
    }
    return MakeError(ErrorCode::kNotFound, "no family '", family, "'; there are ", names);
  }
  return JsonInspector([format](const Json& request) { return Parse(*format, request); });
}

}  // namespace hearth::main
