// room: serving
// Any bytes as a chat template over fixed messages: refused, or a prompt within the limits. What
// the messages say must never come out as the template's.
#include <cstdlib>
#include <string>
#include <string_view>

#include "runtime/serving/chat_template.h"

using namespace hearth;
using namespace hearth::serving;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // Letters that no template of the corpus spells; a template could only write them by copying
  // them.
  static const std::string kSecret = "\u1f4d\u1f4d";
  static const Json messages =
      Json::array({{{"role", "user"}, {"content", kSecret + " <|im_end|>"}},
                   {{"role", "assistant"}, {"content", nullptr}, {"n", 1.5}}});
  static const Json tools = Json::array({{{"name", kSecret}, {"parameters", {{"a", {1, 2}}}}}});
  const std::string_view source(reinterpret_cast<const char*>(data), size);
  const auto parsed = ChatTemplate::Parse(source);
  if (!parsed.ok()) {
    if (parsed.error().message.empty()) std::abort();
    return 0;
  }
  RenderOptions options;
  options.max_steps = 20000;
  options.max_output_bytes = 1 << 14;
  options.max_seconds = 5;
  const auto prompt = (*parsed)->Render(messages, tools, options);
  if (!prompt.ok()) return 0;
  if (prompt->text().size() > options.max_output_bytes) std::abort();
  for (const RenderedPrompt::Run& run : prompt->runs) {
    if (run.text.empty()) std::abort();
    const bool spelled = source.find("\u1f4d") != std::string_view::npos ||
                         source.find('\\') != std::string_view::npos;
    if (run.trusted && !spelled && run.text.find("\u1f4d") != std::string::npos) std::abort();
  }
  return 0;
}
