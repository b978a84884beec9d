#include "mcp/jsonrpc/message.h"

#include <catch2/catch.hpp>

#include "mcp/protocol.h"

namespace hearth::mcp {
namespace {

Message Read(std::string_view text) {
  auto read = ReadMessage(text);
  INFO(text);
  REQUIRE(std::holds_alternative<Message>(read));
  return std::get<Message>(std::move(read));
}

BadMessage Refused(std::string_view text) {
  auto read = ReadMessage(text);
  INFO(text);
  REQUIRE(std::holds_alternative<BadMessage>(read));
  return std::get<BadMessage>(std::move(read));
}

}  // namespace

TEST_CASE("ids keep their type and value") {
  for (const char* id :
       {"1", "-7", "0", "\"1\"", "\"a\\u00e9\"", "123456789012345678901234567890", "\"\""}) {
    const std::string text = std::string(R"({"jsonrpc":"2.0","id":)") + id + R"(,"method":"ping"})";
    const Message message = Read(text);
    CHECK(message.kind == Message::Kind::kRequest);
    CHECK(message.id == id);
    CHECK(message.method() == "ping");
  }
}

TEST_CASE("ids of other types are refused") {
  for (const char* id : {"null", "1.5", "1e3", "true", "[1]", "{}"}) {
    const std::string text = std::string(R"({"jsonrpc":"2.0","id":)") + id + R"(,"method":"ping"})";
    const BadMessage bad = Refused(text);
    CHECK(bad.code == code::kInvalidRequest);
    CHECK(bad.id == "null");
  }
  CHECK(Refused(R"({"jsonrpc":"2.0","id":")" + std::string(600, 'x') + R"(","method":"a"})").code ==
        code::kInvalidRequest);
}

TEST_CASE("what is no message is refused with the code that says why") {
  CHECK(Refused("{").code == code::kParseError);
  CHECK(Refused("[]").code == code::kInvalidRequest);
  CHECK(Refused("1").code == code::kInvalidRequest);
  CHECK(Refused(R"({"id":3,"method":"ping"})").id == "3");
  CHECK(Refused(R"({"jsonrpc":"1.0","id":3,"method":"ping"})").code == code::kInvalidRequest);
  CHECK(Refused(R"({"jsonrpc":"2.0","id":3})").code == code::kInvalidRequest);
  CHECK(Refused(R"({"jsonrpc":"2.0","id":3,"method":7})").code == code::kInvalidRequest);
  CHECK(Refused(R"({"jsonrpc":"2.0","id":3,"method":"a","params":[1]})").code ==
        code::kInvalidParams);
  CHECK(Refused(R"({"jsonrpc":"2.0","id":3,"id":4,"method":"a"})").code == code::kInvalidRequest);
  CHECK(Refused(R"({"jsonrpc":"2.0","id":3,"result":{},"error":{}})").is_answer);
  CHECK(Refused(R"({"jsonrpc":"2.0","result":{}})").is_answer);
}

TEST_CASE("the kinds of messages") {
  CHECK(Read(R"({"jsonrpc":"2.0","method":"notifications/initialized"})").kind ==
        Message::Kind::kNotification);
  CHECK(Read(R"({"jsonrpc":"2.0","id":1,"result":{"a":1}})").body == R"({"a":1})");
  CHECK(Read(R"({"jsonrpc":"2.0","id":1,"error":{"code":1,"message":""}})").kind ==
        Message::Kind::kError);
  CHECK(Read(R"({"method":"tools\/call","params":{"a":1},"id":"x","jsonrpc":"2.0"})").method() ==
        "tools/call");
}

TEST_CASE("messages are written in one line") {
  CHECK(WriteResult("7", "{}") == R"({"jsonrpc":"2.0","id":7,"result":{}})");
  CHECK(
      WriteError("\"a\"", -32601, "no\nsuch", {{"x", 1}}) ==
      R"({"jsonrpc":"2.0","id":"a","error":{"code":-32601,"message":"no\nsuch","data":{"x":1}}})");
  CHECK(WriteNotification("n", "") == R"({"jsonrpc":"2.0","method":"n"})");
  CHECK(WriteRequest("1", "m", R"({"a":1})") ==
        R"({"jsonrpc":"2.0","id":1,"method":"m","params":{"a":1}})");
}

}  // namespace hearth::mcp
