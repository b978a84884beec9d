// The services of `hearth inspect`: each answers one JSON request with one JSON reply, so that the
// engine can be held to independent oracles. A request that cannot be served gets {"error": …}.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "model/kv_type.h"
#include "model/model.h"
#include "runtime/base/json.h"

namespace hearth::main {

using Inspector = std::function<Result<Json>(const Json& request)>;

Result<Inspector> InspectTokenize(const std::string& model_path);
Result<Inspector> InspectLogits(const std::string& model_path, const model::ModelOptions& options,
                                model::KvType kv_type);

// Reads requests from stdin, a line each, and writes replies to stdout until the input ends.
void ServeLines(const Inspector& inspector);

}  // namespace hearth::main
