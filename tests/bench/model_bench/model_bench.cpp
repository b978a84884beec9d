// model-bench: how fast the inference core runs on a device, beside what the device allows,
// measured in the same run. Needs no model file: --synthetic makes one up in memory.
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <limits>
#include <string>

#include "model/device_speed.h"
#include "model/model.h"
#include "tests/bench/model_bench/measures.h"
#include "tests/bench/model_bench/report.h"
#include "tests/bench/model_bench/synthetic_model.h"

namespace hearth::bench {
namespace {

constexpr const char* kUsage =
    "model-bench [--backend cpu|cuda] (--model FILE | --synthetic SHAPE:TYPE) [OPTION...]\n"
    "\n"
    "Measures decoding, reading a prompt, sequences together, attention at a long context and the\n"
    "first token of a further turn, each as a share of what the device's memory and matrix units\n"
    "allow; those rates are measured in the same run.\n"
    "\n"
    "  --backend NAME       cpu (default) or cuda\n"
    "  --model FILE         a GGUF file\n"
    "  --synthetic S:T      random weights instead, e.g. qwen3-8b:Q8_0; shapes: ";
constexpr const char* kUsageRest =
    "\n"
    "  --kv-type TYPE       f16 (default), bf16, f32, q8_0 or f8_e4m3\n"
    "  --prompt N           tokens that are read at once (512)\n"
    "  --tokens N           tokens that are decoded (64)\n"
    "  --sequences N        sequences that are decoded together (8)\n"
    "  --context N          tokens of the long session (2048)\n"
    "  --rounds N           the best of so many counts (3)\n"
    "  --threads N          of the CPU (0: one per physical core)\n"
    "  --json FILE          writes the numbers there as well\n";

struct Options {
  model::BackendKind backend = model::BackendKind::kCpu;
  std::string file, synthetic, json;
  int threads = 0;
  Work work;
};

template <typename T>
Status ParseNumber(const std::string& flag, const char* text, T low, T high, T& out) {
  T value = 0;
  const char* const end = text + std::strlen(text);
  const auto [rest, failure] = std::from_chars(text, end, value);
  if (failure != std::errc() || rest != end || value < low || value > high) {
    return MakeError(ErrorCode::kInvalidArgument, flag, ": '", text, "' is not a number from ", low,
                     " to ", high);
  }
  out = value;
  return {};
}

Status ParseFlag(const std::string& flag, const char* value, Options& o) {
  constexpr uint32_t kMost = 1u << 20;
  const std::string word = value;
  if (flag == "--prompt") return ParseNumber(flag, value, 1u, kMost, o.work.prompt);
  if (flag == "--tokens") return ParseNumber(flag, value, 2u, kMost, o.work.tokens);
  if (flag == "--sequences") return ParseNumber(flag, value, 1u, 1024u, o.work.sequences);
  if (flag == "--context") return ParseNumber(flag, value, 1u, kMost, o.work.context);
  if (flag == "--rounds") return ParseNumber(flag, value, 1, 100, o.work.rounds);
  if (flag == "--threads") return ParseNumber(flag, value, 0, 256, o.threads);
  if (flag == "--model") return o.file = word, Status();
  if (flag == "--synthetic") return o.synthetic = word, Status();
  if (flag == "--json") return o.json = word, Status();
  if (flag == "--backend" && (word == "cpu" || word == "cuda")) {
    o.backend = word == "cpu" ? model::BackendKind::kCpu : model::BackendKind::kCuda;
    return {};
  }
  if (flag == "--kv-type") {
    const std::pair<const char*, model::KvType> types[] = {{"f16", model::KvType::kF16},
                                                           {"bf16", model::KvType::kBF16},
                                                           {"f32", model::KvType::kF32},
                                                           {"q8_0", model::KvType::kQ8_0},
                                                           {"f8_e4m3", model::KvType::kF8E4M3}};
    for (const auto& [name, type] : types) {
      if (word == name) return o.work.kv_type = type, Status();
    }
  }
  return MakeError(ErrorCode::kInvalidArgument, "'", flag, " ", value,
                   "' is not understood; see --help");
}

Result<Options> Parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; i += 2) {
    if (i + 1 == argc) {
      return MakeError(ErrorCode::kInvalidArgument, "'", argv[i],
                       "' is not understood, or wants a value; see --help");
    }
    HEARTH_CHECK_OK(ParseFlag(argv[i], argv[i + 1], options));
  }
  if (options.file.empty() == options.synthetic.empty()) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "name a model, either by --model or by --synthetic; see --help");
  }
  return options;
}

double Now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

Status Run(const Options& options) {
  const bool cuda = options.backend == model::BackendKind::kCuda;
  HEARTH_TRY(const model::DeviceSpeed speed,
             cuda ? model::MeasureCudaSpeed() : model::MeasureCpuSpeed(options.threads));
  HEARTH_TRY(const auto file, options.file.empty() ? SyntheticModel::Create(options.synthetic)
                                                   : model::GgufFile::Open(options.file));
  const double start = Now();
  HEARTH_TRY(const auto model, model::Model::Load(*file, {.backend = options.backend,
                                                          .threads = options.threads,
                                                          .weights_only = true}));
  const double load_seconds = Now() - start;
  Report report;
  report.Say("model", options.file.empty() ? options.synthetic : options.file);
  report.Say("backend", model->DescribeBackend());
  report.Add({"copy", "B/s", speed.copy_rate});
  if (speed.upload_rate > 0) report.Add({"upload", "B/s", speed.upload_rate});
  if (speed.matrix_rate > 0) report.Add({"matrix units", "op/s", speed.matrix_rate});
  report.Add({"loading", "B/s", static_cast<double>(file->file_bytes()) / load_seconds,
              speed.upload_rate});
  HEARTH_CHECK_OK(Measure(*model, speed, options.work, report));
  std::fputs(report.Table().c_str(), stdout);
  if (options.json.empty()) return {};
  std::ofstream out(options.json);
  out << report.Json();
  out.close();
  if (!out) return MakeError(ErrorCode::kIo, options.json, " cannot be written");
  return {};
}

}  // namespace

int Main(int argc, char** argv) {
  if (argc == 2 && std::strcmp(argv[1], "--help") == 0) {
    std::printf("%s%s%s", kUsage, SyntheticModel::Shapes().c_str(), kUsageRest);
    return 0;
  }
  const Result<Options> options = Parse(argc, argv);
  const Status done = options.ok() ? Run(*options) : Status(options.error());
  if (done.ok()) return 0;
  std::fprintf(stderr, "model-bench: %s\n", done.error().message.c_str());
  return 1;
}

}  // namespace hearth::bench

int main(int argc, char** argv) { return hearth::bench::Main(argc, argv); }
