#include <memory>

#include "runtime/main/commands.h"
#include "runtime/main/inspect.h"
#include "runtime/main/model_flags.h"

namespace hearth::main {
namespace {

ExitCode Serve(const Result<Inspector>& inspector) {
  if (!inspector.ok()) return Fail(inspector.error());
  ServeLines(*inspector);
  return ExitCode::kOk;
}

}  // namespace

void AddInspectCommand(CLI::App& app, Command& run) {
  auto* command = app.add_subcommand(
      "inspect", "Answer JSON lines on stdin about one part of the engine, for comparisons");
  command->require_subcommand(1);

  auto flags = std::make_shared<ModelFlags>();
  auto* tokenize = command->add_subcommand("tokenize", "Text to token ids and back");
  tokenize->add_option("--model", flags->model, "A GGUF file or the name of a model");
  tokenize->callback([=, &run] {
    run = [=] {
      const auto path = FindModelFile(*flags);
      return path.ok() ? Serve(InspectTokenize(*path)) : Fail(path.error());
    };
  });

  auto* logits = command->add_subcommand("logits", "Token ids to logits, text and probabilities");
  AddModelFlags(*logits, *flags);
  logits->callback([=, &run] {
    run = [=] {
      const auto path = FindModelFile(*flags);
      if (!path.ok()) return Fail(path.error());
      model::ModelOptions options;
      options.backend = flags->backend;
      options.threads = flags->threads;
      options.weights_only = true;
      return Serve(InspectLogits(*path, options, flags->kv_type));
    };
  });
}

}  // namespace hearth::main
