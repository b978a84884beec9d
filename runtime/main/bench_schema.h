// `hearth bench --schema FILE`: what a grammar costs and what its forced runs save.
#pragma once

#include <string>

#include "runtime/main/bench.h"

namespace hearth::main {

// A call of one tool whose parameters are the schema in the file, against as many free tokens from
// the same prompt. One object: free_tok_s, schema_tok_s (with forced runs), masked_tok_s (the same
// call token by token), tokens, forced_share, speedup (schema over free), and the log-probability
// per byte of both calls under the unconstrained model, each read in one pass.
Result<Json> RunSchemaBench(const BenchOptions& options, const std::string& schema_path);

}  // namespace hearth::main
