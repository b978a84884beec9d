#include "model/tokenizer.h"
#include "runtime/main/inspect.h"

namespace hearth::main {
namespace {

Result<Json> Encode(const model::Tokenizer& tokenizer, const Json& request, const Json& text) {
  model::EncodeOptions options;
  if (const Json* special = FindMember(request, "parse_special")) {
    if (!special->is_boolean()) {
      return MakeError(ErrorCode::kInvalidArgument, "parse_special: expected a boolean");
    }
    options.parse_special = special->get<bool>();
  }
  if (const Json* bos = FindMember(request, "add_bos")) {
    if (bos->is_boolean()) {
      options.add_bos = bos->get<bool>();
    } else if (bos->is_string() && bos->get<std::string>() == "auto") {
      options.add_bos = std::nullopt;
    } else {
      return MakeError(ErrorCode::kInvalidArgument, "add_bos: expected true, false or \"auto\"");
    }
  }
  return Json{{"ids", tokenizer.Encode(text.get<std::string>(), options)}};
}

Result<Json> Decode(const model::Tokenizer& tokenizer, const Json& ids) {
  std::vector<TokenId> tokens;
  for (const Json& id : ids) {
    if (!id.is_number_integer() || id.get<int64_t>() < 0 ||
        id.get<uint64_t>() >= tokenizer.size()) {
      return MakeError(ErrorCode::kInvalidArgument, "ids: ", id.dump(), " is not a token id below ",
                       tokenizer.size());
    }
    tokens.push_back(id.get<TokenId>());
  }
  model::Detokenizer detokenizer(tokenizer);
  Json pieces = Json::array();
  for (TokenId id : tokens) pieces.push_back(detokenizer.Push(id));
  if (const std::string rest = detokenizer.Flush(); !rest.empty()) pieces.push_back(rest);
  return Json{{"text", tokenizer.Decode(tokens)}, {"pieces", std::move(pieces)}};
}

}  // namespace

Result<Inspector> InspectTokenize(const std::string& model_path) {
  HEARTH_TRY(const auto file, model::GgufFile::Open(model_path));
  HEARTH_TRY(const auto tokenizer, model::Tokenizer::Create(*file));
  return JsonInspector([tokenizer](const Json& request) -> Result<Json> {
    const Json* text = FindMember(request, "text");
    const Json* ids = FindMember(request, "ids");
    if (text != nullptr && text->is_string()) return Encode(*tokenizer, request, *text);
    if (ids != nullptr && ids->is_array()) return Decode(*tokenizer, *ids);
    return MakeError(ErrorCode::kInvalidArgument, "expected {\"text\": \"…\"} or {\"ids\": […]}");
  });
}

}  // namespace hearth::main
