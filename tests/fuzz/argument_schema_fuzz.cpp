// room: tools
// Two JSON documents, one behind the other: a schema and the arguments. Whatever they are,
// compiling ends in an error or in a schema, and checking ends in short messages; arguments that
// fit the task tools' schemas never make a handler throw.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "memory/store.h"
#include "runtime/base/unicode.h"
#include "tools/argument_schema.h"
#include "tools/task_tools.h"

namespace {

struct World {
  hearth::FakeClock clock;
  std::unique_ptr<hearth::memory::Store> store = *hearth::memory::Store::Open(":memory:", clock);
  hearth::tools::Toolset toolset;
  World() {
    if (!hearth::tools::AddTaskTools(toolset, *store).ok()) std::abort();
  }
};

void CheckMessage(const std::string& message) {
  if (message.empty() || message.size() > 4000 || !hearth::IsUtf8(message)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const World& world = *new World;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const size_t cut = text.find('\n');
  if (cut == std::string_view::npos) return 0;
  const auto first = hearth::ParseJson(text.substr(0, cut));
  const auto arguments = hearth::ParseJson(text.substr(cut + 1));
  if (!arguments.ok()) return 0;

  if (first.ok()) {
    const auto schema = hearth::tools::ArgumentSchema::Compile(*first);
    if (schema.ok()) {
      const auto status = schema->Validate(*arguments);
      if (!status.ok()) CheckMessage(status.error().message);
    } else if (schema.error().message.empty()) {
      std::abort();
    }
  }
  // Nothing that a call does outlives it: the store stays small however long this runs.
  const hearth::Status undone = world.store->Transact([&]() -> hearth::Status {
    const hearth::tools::ToolContext context{.clock = world.clock};
    world.toolset.ForEach([&](const hearth::tools::Tool& tool) {
      // A handler that throws is caught by Call; here it must not throw at all.
      if (world.toolset.Check(tool.name, *arguments).ok()) {
        const auto result = tool.handler({*arguments, context});
        if (!result.ok()) CheckMessage(result.error().message);
      }
    });
    return hearth::MakeError(hearth::ErrorCode::kCancelled, "undo");
  });
  if (undone.ok()) std::abort();
  return 0;
}
