#include <algorithm>
#include <cstdio>
#include <memory>
#include <vector>

#include "model/importance.h"
#include "runtime/base/clock.h"
#include "runtime/base/progress.h"
#include "runtime/main/check_output.h"
#include "runtime/main/commands.h"
#include "runtime/main/model_flags.h"
#include "runtime/main/read_file.h"

namespace hearth::main {
namespace {

struct ImatrixFlags {
  ModelFlags model;
  std::string text;
  std::string out;
  uint32_t chunk = 512;
  uint32_t chunks = 0;
  bool force = false;
};

// The text's tokens; each piece begins as the model's texts do.
std::vector<TokenId> Tokens(const model::Tokenizer& tokenizer, const std::string& text,
                            uint32_t chunk) {
  std::vector<TokenId> tokens = tokenizer.Encode(text, {});
  if (!tokenizer.adds_bos() || !tokenizer.bos()) return tokens;
  std::vector<TokenId> pieces;
  for (const TokenId token : tokens) {
    if (pieces.size() % chunk == 0) pieces.push_back(*tokenizer.bos());
    pieces.push_back(token);
  }
  return pieces;
}

Status Collect(const ImatrixFlags& flags) {
  HEARTH_CHECK_OK(CheckOutput(flags.out, flags.force));
  HEARTH_TRY(const std::string text, ReadFile(flags.text));
  HEARTH_TRY(const std::string path, FindModelFile(flags.model));
  const SystemClock clock;
  model::ModelOptions options;
  options.threads = flags.model.threads;
  options.backend = flags.model.backend;
  HEARTH_TRY(const auto model, model::Model::Load(path, options));
  std::vector<TokenId> tokens = Tokens(model->tokenizer(), text, flags.chunk);
  if (flags.chunks != 0) {
    tokens.resize(std::min<size_t>(tokens.size(), size_t{flags.chunk} * flags.chunks));
  }
  Progress progress("Reading", 1000, clock, Progress::ForStderr());
  HEARTH_TRY(const model::ImportanceMatrix matrix,
             model::ImportanceMatrix::Collect(*model, tokens, flags.chunk, [&](double share) {
               progress.Update(static_cast<uint64_t>(1000 * share));
             }));
  HEARTH_CHECK_OK(matrix.Write(flags.out, flags.text));
  std::printf("%s: %zu matrices, %zu chunks of %u tokens\n", flags.out.c_str(), matrix.size(),
              tokens.size() / flags.chunk, flags.chunk);
  return {};
}

}  // namespace

void AddImatrixCommand(CLI::App& app, Command& run) {
  auto* command = app.add_subcommand(
      "imatrix", "Measure on a text which weights of a model matter (for quantize --imatrix)");
  auto flags = std::make_shared<ImatrixFlags>();
  command->add_option("text", flags->text, "A text like what the model will read")->required();
  command->add_option("out", flags->out, "The file to write (GGUF)")->required();
  AddModelFlags(*command, flags->model);
  command->add_option("--chunk", flags->chunk, "Tokens that are read in one piece")
      ->check(CLI::Range(16, 65536))
      ->capture_default_str();
  command->add_option("--chunks", flags->chunks, "Pieces to read at most (0: the whole text)");
  command->add_flag("--force", flags->force, "Replace OUT where it exists");
  command->callback([=, &run] {
    run = [=] {
      const Status done = Collect(*flags);
      return done.ok() ? ExitCode::kOk : Fail(done.error());
    };
  });
}

}  // namespace hearth::main
