// What `hearth show` says about a model file. The weights are not read.
#pragma once

#include <string>

#include "runtime/base/core/result.h"
#include "runtime/base/json.h"

namespace hearth::main {

// {"file": {path, bytes, gguf_version}, "model": {architecture, name, license, parameters, layers,
// …},
//  "weights": {bits_per_weight, types: [{type, tensors, bytes}]}, "tokenizer": {…}, "template":
//  {…}, "memory": {weights_bytes, kv_bytes_per_token, contexts: [{tokens, bytes}]}}
// What this build cannot run, read or render stands as an "error" in its part.
Result<Json> DescribeModel(const std::string& path);

// The same for a person.
std::string FormatDescription(const Json& description);

}  // namespace hearth::main
