#include "mcp/server/result_writer.h"

#include <utility>

#include "mcp/jsonrpc/json_text.h"

namespace hearth::mcp {

ResultWriter::ResultWriter(std::string_view id, Era era, std::string_view server, const Json& meta,
                           std::string_view type) {
  text_ = R"({"jsonrpc":"2.0","id":)";
  text_ += id;
  text_ += R"(,"result":{)";
  if (era == Era::kModern) AppendJsonString(Member("resultType"), type);
  if (era == Era::kLegacy && (meta.is_null() || meta.empty())) return;
  Member("_meta") += '{';
  char separator = 0;
  if (era == Era::kModern) {
    AppendJsonString(text_, meta::kServerInfo);
    text_ += ':';
    text_ += server;
    separator = ',';
  }
  if (meta.is_object()) {
    for (const auto& [name, value] : meta.get_ref<const Json::object_t&>()) {
      if (separator != 0) text_ += separator;
      separator = ',';
      AppendJsonString(text_, name);
      text_ += ':';
      AppendJson(text_, value);
    }
  }
  text_ += '}';
}

std::string& ResultWriter::Member(std::string_view name) {
  if (!std::exchange(first_, false)) text_ += ',';
  AppendJsonString(text_, name);
  text_ += ':';
  return text_;
}

void ResultWriter::Written(std::string_view members) {
  constexpr size_t kSlack = 8;
  text_.reserve(text_.size() + members.size() + kSlack);
  if (!std::exchange(first_, false)) text_ += ',';
  text_ += members;
}

void ResultWriter::Cache(Era era, int ttl_ms) {
  if (era == Era::kLegacy) return;
  Member("ttlMs") += std::to_string(ttl_ms);
  Member("cacheScope") += "\"private\"";
}

void ResultWriter::Members(const Json& object) {
  for (const auto& [name, value] : object.get_ref<const Json::object_t&>()) {
    AppendJson(Member(name), value);
  }
}

std::string ResultWriter::Take() && {
  text_ += "}}";
  return std::move(text_);
}

}  // namespace hearth::mcp
