// Message: one JSON-RPC 2.0 message as slices of its text, and the writing of messages.
//
// Nothing is copied and no document is built: ids stay the text that they came as, so that an
// answer carries the same type and value, whatever integer or string the peer chose. After
// https://www.jsonrpc.org/specification with MCP's rules: ids are strings or integers, params are
// objects.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "runtime/base/json.h"

namespace hearth::mcp {

struct Message {
  enum class Kind { kRequest, kNotification, kResult, kError };
  Kind kind = Kind::kNotification;
  std::string_view id;      // its JSON text; empty for a notification
  std::string_view params;  // an object's text; empty where there are none
  std::string_view body;    // of a result or an error: its text

  std::string_view method() const { return decoded_method.empty() ? raw_method : decoded_method; }

  std::string_view raw_method;
  std::string decoded_method;  // the method, where it was written with escapes
};

// Why a text is no message, as the error that answers it.
struct BadMessage {
  int code = 0;
  std::string message;
  std::string id = "null";  // the id's text where one could be read
  bool is_answer = false;   // it was a broken answer, which itself gets none
};

// The message must outlive neither more nor less than the text that it was read from.
std::variant<Message, BadMessage> ReadMessage(std::string_view text);
// The same for a text that CheckJson has passed.
std::variant<Message, BadMessage> ReadCheckedMessage(std::string_view text);

// ---- Writing, without a line break at the end ----

std::string WriteResult(std::string_view id, std::string_view result);
// `data` is left out where it is null.
std::string WriteError(std::string_view id, int code, std::string_view message,
                       const Json& data = nullptr);
// `params` is the text of an object, or empty.
std::string WriteNotification(std::string_view method, std::string_view params);
std::string WriteRequest(std::string_view id, std::string_view method, std::string_view params);

}  // namespace hearth::mcp
