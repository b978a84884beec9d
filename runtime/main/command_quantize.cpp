#include <cstdio>
#include <memory>

#include "model/quantizer.h"
#include "runtime/base/clock.h"
#include "runtime/base/progress.h"
#include "runtime/main/check_output.h"
#include "runtime/main/commands.h"

namespace hearth::main {
namespace {

struct QuantizeFlags {
  std::string in;
  std::string out;
  std::string type;
  std::string importance;
  bool requantize = false;
  bool force = false;
  int threads = 0;
};

void Print(const model::QuantizeReport& report) {
  for (const auto& [type, sum] : report.types) {
    std::printf("%-8s %5u tensors %12llu weights %9.1f MiB\n",
                std::string(model::GetTensorType(type).name).c_str(), sum.tensors,
                static_cast<unsigned long long>(sum.elements),
                static_cast<double>(sum.bytes) / (1 << 20));
  }
  const auto note = [](const std::vector<std::string>& names, const char* what) {
    if (!names.empty()) {
      std::printf("%zu tensors %s (%s%s)\n", names.size(), what, names[0].c_str(),
                  names.size() > 1 ? ", …" : "");
    }
  };
  note(report.fallbacks, "have rows that the format's blocks do not divide and got another");
  note(report.without_importance, "are not in the importance matrix and were quantized without");
  uint64_t elements = 0;
  for (const auto& [type, sum] : report.types) elements += sum.elements;
  std::printf("%.1f MiB -> %.1f MiB, %.2f bits a weight\n",
              static_cast<double>(report.bytes_in) / (1 << 20),
              static_cast<double>(report.bytes_out) / (1 << 20),
              8.0 * static_cast<double>(report.bytes_out) / static_cast<double>(elements));
}

ExitCode Quantize(const QuantizeFlags& flags) {
  if (const Status free = CheckOutput(flags.out, flags.force); !free.ok())
    return Fail(free.error());
  model::QuantizeOptions options;
  options.type = flags.type;
  options.requantize = flags.requantize;
  options.threads = flags.threads;
  std::unique_ptr<model::ImportanceMatrix> importance;
  if (!flags.importance.empty()) {
    auto read = model::ImportanceMatrix::Read(flags.importance);
    if (!read.ok()) return Fail(read.error());
    importance = std::make_unique<model::ImportanceMatrix>(*std::move(read));
    options.importance = importance.get();
  }
  const SystemClock clock;
  Result<model::QuantizeReport> report = [&] {
    Progress progress("Quantizing", 1000, clock, Progress::ForStderr());
    options.progress = [&](double share) { progress.Update(static_cast<uint64_t>(1000 * share)); };
    return model::QuantizeModel(flags.in, flags.out, options);
  }();
  if (!report.ok()) return Fail(report.error());
  Print(*report);
  return ExitCode::kOk;
}

}  // namespace

void AddQuantizeCommand(CLI::App& app, Command& run) {
  auto* command = app.add_subcommand("quantize", "Write a model file with smaller weights");
  auto flags = std::make_shared<QuantizeFlags>();
  command->add_option("in", flags->in, "A GGUF file in F16, BF16 or F32")->required();
  command->add_option("out", flags->out, "The file to write")->required();
  command->add_option("type", flags->type, "One of " + model::QuantizationNames())->required();
  command->add_option("--imatrix", flags->importance,
                      "An importance matrix (hearth imatrix makes one): errors count by how much "
                      "their weights are used");
  command->add_flag("--requantize", flags->requantize, "Accept a file that is quantized already");
  command->add_flag("--force", flags->force, "Replace OUT where it exists");
  command->add_option("--threads", flags->threads, "Threads (0: one per processor)")
      ->check(CLI::Range(0, 256));
  command->callback([=, &run] { run = [=] { return Quantize(*flags); }; });
}

}  // namespace hearth::main
