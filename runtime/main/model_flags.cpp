#include "runtime/main/model_flags.h"

#include <map>

#include "runtime/base/paths.h"

namespace hearth::main {

void AddModelFlags(CLI::App& command, ModelFlags& flags) {
  static const std::map<std::string, model::BackendKind> kBackends = {
      {"cpu", model::BackendKind::kCpu},
      {"cuda", model::BackendKind::kCuda},
      {"reference", model::BackendKind::kReference}};
  static const std::map<std::string, model::KvType> kKvTypes = {{"f32", model::KvType::kF32},
                                                                {"f16", model::KvType::kF16},
                                                                {"bf16", model::KvType::kBF16},
                                                                {"q8_0", model::KvType::kQ8_0}};
  command.add_option(
      "--model", flags.model,
      "A GGUF file, or the name of one in the models folder (default: $HEARTH_MODEL, "
      "else the only one there)");
  command.add_option("--threads", flags.threads, "Kernel threads (0: one per physical core)")
      ->check(CLI::Range(0, 256));
  command.add_option("--backend", flags.backend, "cpu or reference (slow, for comparisons)")
      ->transform(CLI::CheckedTransformer(kBackends).description(""))
      ->type_name("NAME");
  command
      .add_option("--kv-type", flags.kv_type,
                  "How keys and values are stored: f32, f16, bf16 or q8_0")
      ->transform(CLI::CheckedTransformer(kKvTypes).description(""))
      ->type_name("TYPE");
}

Result<std::string> FindModelFile(const ModelFlags& flags) {
  HEARTH_TRY(const Paths paths, FindPaths());
  HEARTH_TRY(const auto path, FindModel(flags.model, paths.Models()));
  return path.string();
}

}  // namespace hearth::main
