#include "mcp/jsonrpc/message.h"

#include "mcp/jsonrpc/json_text.h"
#include "mcp/protocol.h"

namespace hearth::mcp {
namespace {

bool IsInteger(std::string_view text) {
  if (text.empty() || (text[0] != '-' && (text[0] < '0' || text[0] > '9'))) return false;
  return text.find_first_of(".eE") == std::string_view::npos;
}

bool IsId(std::string_view text) {
  constexpr size_t kLongest = 512;
  return text.size() <= kLongest && (IsJsonString(text) || IsInteger(text));
}

// The members of a message's object that count.
struct Members {
  std::string_view version, id, method, params, result, error;
  bool twice = false;

  explicit Members(std::string_view text) {
    JsonObjectReader reader(text);
    while (reader.Next()) {
      std::string_view* member = Find(reader.name());
      if (member == nullptr) continue;
      twice |= !member->empty();
      *member = reader.value();
    }
  }

 private:
  std::string_view* Find(std::string_view name) {
    if (name == "jsonrpc") return &version;
    if (name == "id") return &id;
    if (name == "method") return &method;
    if (name == "params") return &params;
    if (name == "result") return &result;
    if (name == "error") return &error;
    return nullptr;
  }
};

}  // namespace

std::variant<Message, BadMessage> ReadMessage(std::string_view text) {
  if (const Status status = CheckJson(text); !status.ok()) {
    return BadMessage{code::kParseError, "this is no JSON: " + status.error().message};
  }
  return ReadCheckedMessage(text);
}

std::variant<Message, BadMessage> ReadCheckedMessage(std::string_view text) {
  text = TrimJson(text);
  if (!IsJsonObject(text)) {
    return BadMessage{code::kInvalidRequest, "a JSON-RPC message must be an object"};
  }
  const Members members(text);
  BadMessage bad{code::kInvalidRequest, ""};
  if (IsId(members.id)) bad.id = members.id;
  bad.is_answer = members.method.empty() && !(members.result.empty() && members.error.empty());
  const auto refuse = [&](const char* why) {
    bad.message = why;
    return bad;
  };
  if (members.twice) return refuse("a member of the message occurs twice");
  if (members.version != "\"2.0\"") return refuse("the member \"jsonrpc\" must be \"2.0\"");
  if (!members.id.empty() && !IsId(members.id)) {
    return refuse("an id must be a string or an integer, and not longer than 512 bytes");
  }
  Message message;
  message.id = members.id;
  if (members.method.empty()) {
    if (members.result.empty() == members.error.empty()) {
      return refuse("a message has a \"method\", a \"result\" or an \"error\"");
    }
    if (members.id.empty()) return refuse("an answer must have an id");
    message.kind = members.error.empty() ? Message::Kind::kResult : Message::Kind::kError;
    message.body = members.error.empty() ? members.result : members.error;
    return message;
  }
  if (!IsJsonString(members.method)) return refuse("the member \"method\" must be a string");
  message.kind = members.id.empty() ? Message::Kind::kNotification : Message::Kind::kRequest;
  message.raw_method = members.method.substr(1, members.method.size() - 2);
  if (message.raw_method.find('\\') != std::string_view::npos) {
    message.decoded_method = DecodeJsonString(members.method);
  }
  if (!members.params.empty() && !IsJsonObject(members.params)) {
    bad.code = code::kInvalidParams;
    return refuse("the member \"params\" must be an object");
  }
  message.params = members.params;
  return message;
}

std::string WriteResult(std::string_view id, std::string_view result) {
  std::string out;
  out.reserve(40 + id.size() + result.size());
  out += R"({"jsonrpc":"2.0","id":)";
  out += id;
  out += R"(,"result":)";
  out += result;
  out += '}';
  return out;
}

std::string WriteError(std::string_view id, int code, std::string_view message, const Json& data) {
  std::string out = R"({"jsonrpc":"2.0","id":)";
  out += id;
  out += R"(,"error":{"code":)" + std::to_string(code) + R"(,"message":)";
  AppendJsonString(out, message);
  if (!data.is_null()) {
    out += R"(,"data":)";
    AppendJson(out, data);
  }
  out += "}}";
  return out;
}

namespace {

// A method and its parameters, up to the end of the message.
void AppendCall(std::string& out, std::string_view method, std::string_view params) {
  AppendJsonString(out, method);
  if (!params.empty()) {
    out += R"(,"params":)";
    out += params;
  }
  out += '}';
}

}  // namespace

std::string WriteNotification(std::string_view method, std::string_view params) {
  std::string out = R"({"jsonrpc":"2.0","method":)";
  AppendCall(out, method, params);
  return out;
}

std::string WriteRequest(std::string_view id, std::string_view method, std::string_view params) {
  std::string out = R"({"jsonrpc":"2.0","id":)";
  out += id;
  out += R"(,"method":)";
  AppendCall(out, method, params);
  return out;
}

}  // namespace hearth::mcp
