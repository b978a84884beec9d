#include "runtime/main/model_flags.h"

#include <string>
#include <utility>
#include <vector>

#include "runtime/main/settings.h"

namespace hearth::main {

namespace {

// An option whose value is one of some words.
template <typename T>
void AddChoice(CLI::App& command, const std::string& name, T& target,
               const std::vector<std::pair<std::string, T>>& choices, const std::string& help) {
  command
      .add_option_function<std::string>(
          name,
          [name, choices, &target](const std::string& word) {
            std::string words;
            for (const auto& [known, value] : choices) {
              if (known == word) {
                target = value;
                return;
              }
              words += (words.empty() ? "" : ", ") + known;
            }
            throw CLI::ValidationError(name, Concat("'", word, "' is none of ", words));
          },
          help)
      ->type_name("NAME");
}

}  // namespace

void AddModelFlags(CLI::App& command, ModelFlags& flags) {
  command.add_option(
      "--model", flags.model,
      "A GGUF file, or the name of one in the models folder (default: $HEARTH_MODEL, "
      "else the only one there)");
  command.add_option("--threads", flags.threads, "Kernel threads (0: one per physical core)")
      ->check(CLI::Range(0, 256));
  AddChoice<model::BackendKind>(command, "--backend", flags.backend,
                                {{"cpu", model::BackendKind::kCpu},
                                 {"cuda", model::BackendKind::kCuda},
                                 {"reference", model::BackendKind::kReference}},
                                "cpu, cuda, or reference (slow, for comparisons)");
  AddChoice<model::KvType>(command, "--kv-type", flags.kv_type,
                           {{"f32", model::KvType::kF32},
                            {"f16", model::KvType::kF16},
                            {"bf16", model::KvType::kBF16},
                            {"q8_0", model::KvType::kQ8_0},
                            {"f8_e4m3", model::KvType::kF8E4M3}},
                           "How keys and values are stored: f32, f16, bf16, q8_0, or on a GPU "
                           "f8_e4m3");
}

Result<std::string> FindModelFile(const ModelFlags& flags) {
  HEARTH_TRY(const Settings settings, LoadSettings({.model = flags.model}));
  HEARTH_TRY(const auto path, settings.Model());
  return path.string();
}

}  // namespace hearth::main
