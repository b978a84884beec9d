#include "runtime/serving/format_detection.h"

#include <algorithm>

#include "runtime/serving/call_writer.h"
#include "runtime/serving/text_match.h"

namespace hearth::serving {
namespace {

constexpr const char* kProbeName = "probe_of_hearth";
constexpr const char* kUsualId = "call_hearth_0123456789";
constexpr const char* kShortId = "hearth123";

Json ProbeTools() {
  return *ParseJson(Concat(R"([{"type": "function", "function": {"name": ")", kProbeName,
                           R"(", "description": "probe", "parameters": {"type": "object",
      "properties": {"probe_key": {"type": "string", "description": "probe"}},
      "required": ["probe_key"]}}}])"));
}

Json ProbeArguments() { return {{"probe_key", "probe value"}}; }

Json ProbeMessages(const char* id, bool text_arguments) {
  const Json arguments = ProbeArguments();
  const Json function = {{"name", kProbeName},
                         {"arguments", text_arguments ? Json(DumpSpaced(arguments)) : arguments}};
  return Json::array(
      {{{"role", "user"}, {"content", "hello"}},
       {{"role", "assistant"},
        {"content", ""},
        {"tool_calls", Json::array({{{"type", "function"}, {"id", id}, {"function", function}}})}},
       {{"role", "tool"}, {"tool_call_id", id}, {"name", kProbeName}, {"content", "fine"}}});
}

std::string WithoutSpace(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (!IsSpace(c)) out += c;
  }
  return out;
}

struct Match {
  const ChatFormat* format = nullptr;
  size_t length = 0;
};

// The format whose call is in the text; of several the longest, which says most.
Match FindCall(const std::string& prompt, const ToolCall& call, bool exact) {
  const std::string text = exact ? prompt : WithoutSpace(prompt);
  Match best;
  for (const ChatFormat& format : BuiltinFormats()) {
    for (const ChatFormat::Region& region : format.regions) {
      std::string written = WriteRegion(format, region, {call});
      if (!exact) written = WithoutSpace(written);
      if (written.size() > best.length && text.find(written) != std::string::npos) {
        best = {&format, written.size()};
      }
    }
  }
  return best;
}

}  // namespace

DetectedFormat DetectFormat(const RenderProbe& render) {
  using Evidence = DetectedFormat::Evidence;
  DetectedFormat found;
  found.format = &GenericFormat();
  const Json tools = ProbeTools();
  const Json hello = Json::array({{{"role", "user"}, {"content", "hello"}}});
  const auto with_tools = render(hello, tools);
  found.knows_tools = with_tools.ok() && with_tools->find(kProbeName) != std::string::npos;

  for (const auto& [id, text_arguments] :
       {std::pair{kUsualId, false}, {kShortId, false}, {kUsualId, true}, {kShortId, true}}) {
    const auto prompt = render(ProbeMessages(id, text_arguments), tools);
    if (!prompt.ok()) continue;
    for (const bool exact : {true, false}) {
      // A template may leave the id out.
      for (const char* written : {id, ""}) {
        const Match match = FindCall(*prompt, {written, kProbeName, ProbeArguments()}, exact);
        if (match.format == nullptr) continue;
        found.format = match.format;
        found.evidence = exact ? Evidence::kExact : Evidence::kSpacing;
        found.short_ids = id == kShortId;
        found.text_arguments = text_arguments;
        return found;
      }
    }
  }
  if (!with_tools.ok()) return found;
  for (const ChatFormat& format : BuiltinFormats()) {
    const bool hinted = std::ranges::any_of(format.hints, [&](const std::string& hint) {
      return with_tools->find(hint) != std::string::npos;
    });
    if (!hinted) continue;
    found.format = &format;
    found.evidence = Evidence::kHint;
    return found;
  }
  return found;
}

}  // namespace hearth::serving
