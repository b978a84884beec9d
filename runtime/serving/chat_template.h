// ChatTemplate: a model's chat template (Jinja), which turns messages and tools into the prompt.
//
// Templates come with models and are hostile until shown otherwise: rendering has limits of steps,
// time, depth and size, reaches nothing of the process, and what it refuses is an Error. The
// language is Jinja 3.1 as Hugging Face's transformers run it: trim_blocks, lstrip_blocks, loop
// controls, the generation block, tojson without HTML escapes, raise_exception, strftime_now.
//
// The prompt comes in runs that say who wrote them. Only trusted runs may become control tokens, so
// that no message, tool or argument can end a turn or begin one.
//
// Thread-safety: const after Parse.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/clock.h"
#include "runtime/base/core/result.h"
#include "runtime/base/json.h"

namespace hearth::serving {

struct RenderedPrompt {
  struct Run {
    std::string text;
    bool trusted = false;  // from the template itself, or BOS or EOS
  };
  std::vector<Run> runs;  // neighbours differ in trust; none is empty

  std::string text() const;
};

struct RenderOptions {
  bool add_generation_prompt = true;
  // Further variables: {"enable_thinking": false}. They may not take the place of the others.
  Json variables = Json::object();
  std::string bos_token, eos_token;
  TimePoint now;             // for strftime_now
  std::string zone = "UTC";  // an IANA name

  size_t max_steps = 4'000'000;
  size_t max_output_bytes = 1 << 20;
  double max_seconds = 0.1;  // of the thread's processor time
};

class ChatTemplate {
 public:
  // An Error says in which line the template is malformed or uses what there is not.
  static Result<std::shared_ptr<const ChatTemplate>> Parse(std::string_view source);

  // `messages` is an array of objects, `tools` an array or null. Errors: kInvalidArgument where the
  // template refuses the messages (its own words) or cannot cope with them, kResourceExhausted
  // where it went over a limit.
  Result<RenderedPrompt> Render(const Json& messages, const Json& tools,
                                const RenderOptions& options) const;

  ~ChatTemplate();

 private:
  struct Tree;
  explicit ChatTemplate(std::unique_ptr<const Tree> tree);
  std::unique_ptr<const Tree> tree_;
};

}  // namespace hearth::serving
