// room: serving
// Foreign bytes as the reply of a model of any family: however they are cut, the same comes out,
// and what was reported is the message. A control token, which is marked, always comes whole.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

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

// Bytes and marked control tokens; marks without their other half are left out.
std::vector<std::string_view> Units(std::string_view text) {
  std::vector<std::string_view> units;
  for (size_t i = 0; i < text.size(); ++i) {
    size_t length = 1;
    if (text[i] == kControlEnd) continue;
    if (text[i] == kControlBegin) {
      const size_t end = text.find_first_of(std::string{kControlBegin, kControlEnd}, i + 1);
      if (end == std::string_view::npos || text[end] == kControlBegin) continue;
      length = end + 1 - i;
    }
    units.push_back(text.substr(i, length));
    i += length - 1;
  }
  return units;
}

std::string Parse(const ChatFormat& format, uint8_t flags,
                  const std::vector<std::string_view>& units, size_t step) {
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
  for (size_t i = 0; i < units.size(); i += step) {
    std::string piece;
    for (size_t j = i; j < std::min(i + step, units.size()); ++j) piece += units[j];
    parser.Push(piece);
  }
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
  const auto units = Units(text);
  const std::string whole = Parse(format, data[1], units, units.size() + 1);
  if (Parse(format, data[1], units, 1) != whole) __builtin_trap();
  if (Parse(format, data[1], units, 7) != whole) __builtin_trap();
  return 0;
}
