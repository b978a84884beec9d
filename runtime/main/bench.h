// `hearth bench`: how fast a model reads a prompt and writes tokens on this machine.
#pragma once

#include <string>

#include "model/kv_type.h"
#include "model/model.h"
#include "runtime/base/json.h"

namespace hearth::main {

struct BenchOptions {
  std::string model_path;
  model::ModelOptions model;
  model::KvType kv_type = model::KvType::kF16;
  uint32_t prompt = 512;     // tokens of the prompt that is read
  uint32_t generate = 64;    // tokens written
  uint32_t depth = 0;        // tokens in the context before writing begins
  uint32_t batch = 1;        // sequences written together
  uint32_t repetitions = 3;  // the best one counts: a shared machine only ever adds time
};

// One object: model, backend, threads, load_ms, prefill_tok_s, decode_tok_s (all sequences
// together), ttft_ms (prompt and first token), peak_rss_mb, weight_mb_per_token, read_gb_s (this
// machine's, measured beside), bandwidth_share (of read_gb_s, that decoding one sequence's tokens
// uses for weights).
Result<Json> RunBench(const BenchOptions& options);

}  // namespace hearth::main
