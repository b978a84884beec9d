#include <cstdio>
#include <memory>

#include "runtime/main/bench.h"
#include "runtime/main/bench_schema.h"
#include "runtime/main/commands.h"
#include "runtime/main/model_flags.h"

namespace hearth::main {
namespace {

void PrintTable(const Json& report) {
  for (const auto& [name, value] : report.items()) {
    if (value.is_number_float()) {
      std::printf("%-20s %10.2f\n", name.c_str(), value.get<double>());
    } else {
      std::printf("%-20s %10s\n", name.c_str(),
                  value.is_string() ? value.get<std::string>().c_str() : value.dump().c_str());
    }
  }
}

}  // namespace

void AddBenchCommand(CLI::App& app, Command& run) {
  auto* command = app.add_subcommand("bench", "Measure how fast a model runs on this machine");
  auto flags = std::make_shared<ModelFlags>();
  auto options = std::make_shared<BenchOptions>();
  auto json = std::make_shared<bool>(false);
  auto schema = std::make_shared<std::string>();
  AddModelFlags(*command, *flags);
  command->add_option("--prompt", options->prompt, "Tokens of the prompt that is read")
      ->capture_default_str();
  command->add_option("--gen", options->generate, "Tokens that are written")->capture_default_str();
  command->add_option("--depth", options->depth, "Tokens in the context before writing begins")
      ->capture_default_str();
  command->add_flag("--weights-only", options->model.weights_only,
                    "Leave the tokenizer out (for files without one that is known)");
  command->add_option("--batch", options->batch, "Sequences written together")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  command->add_option("--repeat", options->repetitions, "Repetitions; the best one counts")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command->add_option("--schema", *schema,
                      "A JSON Schema: measure a tool call with these parameters instead");
  command->add_flag("--pin", options->model.pin, "Pin kernel threads to processors");
  command->add_flag("--json", *json, "Print one JSON object");
  command->callback([=, &run] {
    run = [=] {
      auto path = FindModelFile(*flags);
      if (!path.ok()) return Fail(path.error());
      options->model_path = *path;
      options->model.threads = flags->threads;
      options->model.backend = flags->backend;
      options->kv_type = flags->kv_type;
      const Result<Json> report =
          schema->empty() ? RunBench(*options) : RunSchemaBench(*options, *schema);
      if (!report.ok()) return Fail(report.error());
      if (*json) {
        std::printf("%s\n", DumpJson(*report).c_str());
      } else {
        PrintTable(*report);
      }
      return ExitCode::kOk;
    };
  });
}

}  // namespace hearth::main
