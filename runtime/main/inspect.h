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

// A line in, a line out.
using Inspector = std::function<std::string(const std::string& request)>;

Result<Inspector> InspectTokenize(const std::string& model_path);
// Without an adapter `lora_path` is empty.
Result<Inspector> InspectLogits(const std::string& model_path, const model::ModelOptions& options,
                                model::KvType kv_type, const std::string& lora_path);
// The template of a model file, or one that stands in a file by itself.
Result<Inspector> InspectModelTemplate(const std::string& model_path);
Result<Inspector> InspectTemplateFile(const std::string& template_path);
// Without a vocabulary only bytes are matched.
Result<Inspector> InspectGrammar();
Result<Inspector> InspectGrammarWithModel(const std::string& model_path);
Result<Inspector> InspectGrammarWithVocabulary(const std::string& gvoc_path);
// The streaming parser of a model family, by the name of its description.
Result<Inspector> InspectParse(const std::string& family);

// An inspector that parses the request and writes the reply, or the error.
Inspector JsonInspector(std::function<Result<Json>(const Json& request)> answer);

// Reads requests from stdin and writes replies to stdout until the input ends.
void ServeLines(const Inspector& inspector);

}  // namespace hearth::main
