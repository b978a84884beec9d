// What `hearth show` says about a model file. The weights are not read.
#pragma once

#include <string>

#include "runtime/base/core/result.h"
#include "runtime/base/json.h"

namespace hearth::main {

// {"file": {path, bytes, gguf_version, tensors},
//  "model": {architecture, name, license, parameters, layers, …},
//  "weights": {bytes, bits_per_weight, types: [{type, tensors, weights, bytes}]},
//  "tokenizer": {model, pre, tokens, …}, "template": {present, system, tools, thinking, …},
//  "memory": {weights_bytes, kv_bytes_per_token, contexts: [{tokens, bytes}]},
//  "tensors": [{name, type, shape}] where asked for}
// What this build cannot run, read or render stands as an "error" in its part.
Result<Json> DescribeModel(const std::string& path, bool with_tensors);

// The same for a person.
std::string FormatDescription(const Json& description);

}  // namespace hearth::main
