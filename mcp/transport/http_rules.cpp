#include "mcp/transport/http_rules.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <set>

#include "mcp/jsonrpc/json_text.h"
#include "mcp/protocol.h"
#include "mcp/security/base64.h"

namespace hearth::mcp {
namespace {

constexpr std::string_view kStart = "=?base64?";
constexpr std::string_view kEnd = "?=";

// The member of params that Mcp-Name repeats; empty where the method has none.
std::string_view NameMember(std::string_view method) {
  if (method == "tools/call" || method == "prompts/get") return "name";
  if (method == "resources/read") return "uri";
  if (method == "tasks/get" || method == "tasks/update" || method == "tasks/cancel") {
    return "taskId";
  }
  return {};
}

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower;
}

bool IsTokenCharacter(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

// A scalar argument as a header writes it.
std::string AsHeader(std::string_view value) {
  return IsJsonString(value) ? DecodeJsonString(value) : std::string(value);
}

}  // namespace

std::optional<std::string> DecodeHeaderValue(std::string_view value) {
  if (!value.starts_with(kStart) || !value.ends_with(kEnd) ||
      value.size() < kStart.size() + kEnd.size()) {
    return std::string(value);
  }
  const std::string_view coded =
      value.substr(kStart.size(), value.size() - kStart.size() - kEnd.size());
  if (coded.size() % 4 != 0 || coded.find_first_of("-_") != std::string_view::npos) {
    return std::nullopt;
  }
  return DecodeBase64(coded);
}

std::string EncodeHeaderValue(std::string_view value) {
  const bool plain = std::ranges::all_of(value, [](char c) { return c >= 0x20 && c < 0x7F; });
  const bool framed = value.empty() || (value.front() != ' ' && value.back() != ' ');
  if (plain && framed && !value.starts_with(kStart)) return std::string(value);
  return std::string(kStart) + Base64(value) + std::string(kEnd);
}

std::string CompareHeaders(const HttpInput& input, const Message& message) {
  const std::string_view version = input.header("mcp-protocol-version");
  const std::string_view meta = FindJsonMember(message.params, "_meta");
  const std::string_view body_version = FindJsonMember(meta, meta::kVersion);
  if (IsJsonString(body_version) && DecodeJsonString(body_version) != version) {
    return version.empty() ? "the header MCP-Protocol-Version is missing"
                           : "the header MCP-Protocol-Version contradicts the body";
  }
  const std::string_view method = input.header("mcp-method");
  if (method.empty()) return "the header Mcp-Method is missing";
  if (method != message.method()) return "the header Mcp-Method contradicts the body's method";
  const std::string_view member = NameMember(message.method());
  if (member.empty()) return {};
  const std::string_view wanted = FindJsonMember(message.params, member);
  if (!IsJsonString(wanted)) return {};  // the request itself is wrong, and will be told so
  const std::string_view name = input.header("mcp-name");
  if (name.empty()) return "the header Mcp-Name is missing";
  const auto decoded = DecodeHeaderValue(name);
  if (!decoded) return "the header Mcp-Name is no valid base64";
  if (*decoded != DecodeJsonString(wanted)) {
    return Concat("the header Mcp-Name contradicts the body's ", member);
  }
  return {};
}

std::string CompareParameters(const HttpInput& input, const Json& schema,
                              std::string_view arguments) {
  const Json* properties = FindMember(schema, "properties");
  if (properties == nullptr || !properties->is_object()) return {};
  for (const auto& [name, property] : properties->get_ref<const Json::object_t&>()) {
    const Json* marked = FindMember(property, "x-mcp-header");
    if (marked == nullptr || !marked->is_string()) continue;
    const std::string header = "mcp-param-" + LowerCase(marked->get<std::string>());
    const std::string_view given = input.header(header);
    const std::string_view value = FindJsonMember(arguments, name);
    const bool has_value = !value.empty() && value != "null";
    if (!has_value && given.empty()) continue;
    if (!has_value) return Concat("the header ", header, " has no argument in the body");
    if (given.empty()) return Concat("the header ", header, " is missing");
    const auto decoded = DecodeHeaderValue(given);
    if (!decoded) return Concat("the header ", header, " is no valid base64");
    if (*decoded != AsHeader(value)) {
      return Concat("the header ", header, " contradicts the argument '", name, "'");
    }
  }
  return {};
}

HttpFields RequestHeaders(const Message& message) {
  const std::string_view meta = FindJsonMember(message.params, "_meta");
  const std::string_view version = FindJsonMember(meta, meta::kVersion);
  if (!IsJsonString(version)) return {};
  HttpFields headers = {{"MCP-Protocol-Version", DecodeJsonString(version)},
                        {"Mcp-Method", std::string(message.method())}};
  const std::string_view member = NameMember(message.method());
  const std::string_view name =
      member.empty() ? std::string_view() : FindJsonMember(message.params, member);
  if (IsJsonString(name))
    headers.emplace_back("Mcp-Name", EncodeHeaderValue(DecodeJsonString(name)));
  return headers;
}

std::string CheckHeaderMarks(const Json& schema) {
  const Json* properties = FindMember(schema, "properties");
  if (properties == nullptr || !properties->is_object()) return {};
  std::set<std::string> names;
  for (const auto& [name, property] : properties->get_ref<const Json::object_t&>()) {
    const Json* mark = FindMember(property, "x-mcp-header");
    if (mark == nullptr) continue;
    const std::string header = mark->is_string() ? mark->get<std::string>() : std::string();
    if (header.empty() || !std::ranges::all_of(header, IsTokenCharacter)) {
      return Concat("the x-mcp-header of '", name, "' is no header's name");
    }
    const Json* type = FindMember(property, "type");
    if (type == nullptr || (*type != "string" && *type != "integer" && *type != "boolean")) {
      return Concat("the x-mcp-header of '", name, "' is on no string, integer or boolean");
    }
    if (!names.insert(LowerCase(header)).second) {
      return Concat("the x-mcp-header of '", name, "' is another argument's too");
    }
  }
  return {};
}

HttpFields ParameterHeaders(const Json& schema, const Json& arguments) {
  HttpFields headers;
  const Json* properties = FindMember(schema, "properties");
  if (properties == nullptr || !properties->is_object()) return headers;
  for (const auto& [name, property] : properties->get_ref<const Json::object_t&>()) {
    const Json* mark = FindMember(property, "x-mcp-header");
    const Json* value = FindMember(arguments, name);
    if (mark == nullptr || !mark->is_string() || value == nullptr || value->is_null()) continue;
    const std::string text = value->is_string() ? value->get<std::string>() : WriteJson(*value);
    headers.emplace_back("Mcp-Param-" + mark->get<std::string>(), EncodeHeaderValue(text));
  }
  return headers;
}

}  // namespace hearth::mcp
