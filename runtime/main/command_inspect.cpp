#include <memory>

#include "runtime/main/commands.h"
#include "runtime/main/inspect.h"
#include "runtime/main/model_flags.h"

namespace hearth::main {
namespace {

struct InspectFlags {
  ModelFlags model;
  std::string template_file;
  std::string vocabulary_file;
  std::string lora_file;
  std::string family;
  uint32_t context_tokens = 0;
};

ExitCode Serve(const Result<Inspector>& inspector) {
  if (!inspector.ok()) return Fail(inspector.error());
  ServeLines(*inspector);
  return ExitCode::kOk;
}

// Serves what `make` gives for the model that the flags mean.
template <typename Make>
ExitCode ServeModel(const InspectFlags& flags, Make make) {
  const auto path = FindModelFile(flags.model);
  return path.ok() ? Serve(make(*path)) : Fail(path.error());
}

}  // namespace

void AddInspectCommand(CLI::App& app, Command& run) {
  auto* command = app.add_subcommand(
      "inspect", "Answer JSON lines on stdin about one part of the engine, for comparisons");
  command->require_subcommand(1);
  auto flags = std::make_shared<InspectFlags>();
  const auto add_model = [&](CLI::App* to) {
    return to->add_option("--model", flags->model.model, "A GGUF file or the name of a model");
  };

  auto* tokenize = command->add_subcommand("tokenize", "Text to token ids and back");
  add_model(tokenize);
  tokenize->callback([=, &run] { run = [=] { return ServeModel(*flags, InspectTokenize); }; });

  auto* logits = command->add_subcommand("logits", "Token ids to logits, text and probabilities");
  AddModelFlags(*logits, flags->model);
  logits->add_option("--context", flags->context_tokens,
                     "The longest context that is wanted (LongRoPE files hold two sets of "
                     "frequencies); 0: as long as the file allows");
  logits->add_option("--lora", flags->lora_file, "A LoRA adapter (GGUF) that is applied");
  logits->callback([=, &run] {
    run = [=] {
      model::ModelOptions options;
      ApplyModelFlags(flags->model, options);
      options.context_tokens = flags->context_tokens;
      options.weights_only = true;
      return ServeModel(*flags, [&](const std::string& path) {
        return InspectLogits(path, options, flags->model.kv_type, flags->lora_file);
      });
    };
  });

  auto* chat = command->add_subcommand("template", "Messages to the prompt of a chat template");
  auto* chat_model = add_model(chat);
  chat->add_option("--template", flags->template_file, "A file with a Jinja template")
      ->excludes(chat_model);
  chat->callback([=, &run] {
    run = [=] {
      if (!flags->template_file.empty()) return Serve(InspectTemplateFile(flags->template_file));
      return ServeModel(*flags, InspectModelTemplate);
    };
  });

  auto* grammar =
      command->add_subcommand("grammar", "JSON Schemas and texts to verdicts and times");
  auto* grammar_model = add_model(grammar);
  grammar->add_option("--vocab", flags->vocabulary_file, "A .gvoc file with the tokens' bytes")
      ->excludes(grammar_model);
  grammar->callback([=, &run] {
    run = [=] {
      if (!flags->vocabulary_file.empty()) {
        return Serve(InspectGrammarWithVocabulary(flags->vocabulary_file));
      }
      if (!flags->model.model.empty()) return ServeModel(*flags, InspectGrammarWithModel);
      return Serve(InspectGrammar());
    };
  });

  auto* parse = command->add_subcommand("parse", "What a model wrote to reasoning, text and calls");
  parse->add_option("--family", flags->family, "A description's name, such as hermes")->required();
  parse->callback([=, &run] { run = [=] { return Serve(InspectParse(flags->family)); }; });
}

}  // namespace hearth::main
