// room: serving
// Foreign bytes as the reply of a model of any family: however they are cut, the same comes out,
// and what was reported is the message.
#include <cstdint>
#include <string>
#include <string_view>

#include "runtime/serving/reply_parser.h"

using namespace hearth;
using namespace hearth::serving;

namespace {

const ToolSchemas& Tools() {
  static const ToolSchemas tools = *ParseJson(R"([{"type": "function", "function": {"name": "f",
      "parameters": {"type": "object", "properties": {"a": {"type": "string"},
      "b": {"type": "integer"}, "c": {"anyOf": [{"type": "string"}, {"type": "null"}]}}}}},
      {"type": "function", "function": {"name": "g"}}])");
  return tools;
}

std::string Parse(const ChatFormat& format, uint8_t flags, std::string_view text, size_t step) {
  std::string heard, content, reasoning;
  ChatDelta::Kind last = ChatDelta::Kind::kPrefill;
  ReplyParser parser(format, (flags & 1) != 0,
                     (flags & 2) != 0 ? CallPlace::kFirst : CallPlace::kAnywhere,
                     (flags & 4) != 0 ? Json::array() : Tools(), [&](const ChatDelta& delta) {
                       if (delta.kind != last) heard += static_cast<char>(delta.kind);
                       last = delta.kind;
                       heard += delta.text;
                       if (delta.kind == ChatDelta::Kind::kText) content += delta.text;
                       if (delta.kind == ChatDelta::Kind::kReasoning) reasoning += delta.text;
                     });
  for (size_t i = 0; i < text.size(); i += step) parser.Push(text.substr(i, step));
  const Message message = parser.Finish((flags & 8) != 0);
  if (message.content != content || message.reasoning != reasoning) __builtin_trap();
  for (const ToolCall& call : message.calls) {
    if (!call.arguments.is_object()) __builtin_trap();
    if ((flags & 4) == 0 && call.name != "f" && call.name != "g") __builtin_trap();
    heard += call.name + DumpJson(call.arguments);
  }
  return heard;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2 || size > 2048) return 0;
  const auto& formats = BuiltinFormats();
  const ChatFormat& format = formats[data[0] % formats.size()];
  const std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
  const std::string whole = Parse(format, data[1], text, text.size() + 1);
  if (Parse(format, data[1], text, 1) != whole) __builtin_trap();
  if (Parse(format, data[1], text, 7) != whole) __builtin_trap();
  return 0;
}
