#include <cstdio>
#include <memory>

#include "runtime/main/commands.h"
#include "runtime/main/model_flags.h"
#include "runtime/main/show.h"

namespace hearth::main {

void AddShowCommand(CLI::App& app, Command& run) {
  auto* command = app.add_subcommand("show", "Say what a model file is, and what it needs");
  auto flags = std::make_shared<ModelFlags>();
  auto json = std::make_shared<bool>(false);
  auto tensors = std::make_shared<bool>(false);
  command->add_option("file", flags->model,
                      "A GGUF file or the name of a model (default: the model that runs)");
  command->add_flag("--json", *json, "Print one JSON object");
  command->add_flag("--tensors", *tensors, "List every tensor with its type and shape");
  command->callback([=, &run] {
    run = [=] {
      const auto path = FindModelFile(*flags);
      if (!path.ok()) return Fail(path.error());
      const Result<Json> description = DescribeModel(*path, *tensors);
      if (!description.ok()) return Fail(description.error());
      const std::string text =
          *json ? DumpJson(*description) + "\n" : FormatDescription(*description);
      std::fwrite(text.data(), 1, text.size(), stdout);
      return ExitCode::kOk;
    };
  });
}

}  // namespace hearth::main
