#include "runtime/main/elicitation_form.h"

#include <catch2/catch.hpp>
#include <sstream>

namespace hearth::main {
namespace {

struct Asked {
  Json result;
  std::string shown;
};

Asked Ask(const char* schema, const char* typed) {
  std::istringstream in(typed);
  std::ostringstream out;
  const Json params = {{"message", "Who\x1b[2J are you?"}, {"requestedSchema", *ParseJson(schema)}};
  Json result = AskForm("srv", params, in, out);
  return {std::move(result), out.str()};
}

Json Content(const char* schema, const char* typed) {
  const Asked asked = Ask(schema, typed);
  CAPTURE(typed, asked.shown);
  REQUIRE(asked.result["action"] == "accept");
  return asked.result["content"];
}

}  // namespace

TEST_CASE("each field is asked until its answer fits") {
  const char* schema = R"({"type":"object","required":["name","age"],"properties":{
    "name":{"type":"string","title":"Your name","minLength":2},
    "age":{"type":"integer","minimum":0,"maximum":150},
    "ok":{"type":"boolean","default":true},
    "size":{"type":"string","enum":["s","m"]},
    "color":{"type":"string","oneOf":[{"const":"r","title":"Red"},{"const":"g","title":"Green"}]},
    "days":{"type":"array","minItems":1,"items":{"type":"string","enum":["mo","tu","we"]}},
    "note":{"type":"string"}}})";
  const Json content =
      Content(schema, "x\n\nAda\n1.5\n200\nold\n36\n\nxl\nm\nRed\nr\nmo, su\nmo, we\n\n");
  CHECK(content == *ParseJson(R"({"name":"Ada","age":36,"ok":true,"size":"m","color":"r",
                                  "days":["mo","we"]})"));
}

TEST_CASE("what a server writes cannot move the cursor") {
  const Asked asked = Ask(R"({"properties":{"a\nb":{"type":"boolean"}}})", "y\n");
  CHECK(asked.result["content"]["a\nb"] == true);
  CHECK(asked.shown.find('\x1b') == std::string::npos);
  CHECK(asked.shown.find("'srv' asks") != std::string::npos);
  CHECK(asked.shown.find("(y/n)") != std::string::npos);
}

TEST_CASE("a dot, the end, and what is no form decline") {
  CHECK(Ask(R"({"properties":{"a":{"type":"string"}}})", ".\n").result["action"] == "decline");
  CHECK(Ask(R"({"properties":{"a":{"type":"integer"}}})", "x\n").result["action"] == "decline");
  CHECK(Ask("{}", "y\n").result["action"] == "decline");
  std::istringstream in("y\n");
  std::ostringstream out;
  CHECK(AskForm("srv", {{"mode", "url"}, {"url", "https://x"}}, in, out)["action"] == "decline");
  std::string many = "{\"properties\":{";
  for (int i = 0; i < 200; ++i) many += (i == 0 ? "\"f" : ",\"f") + std::to_string(i) + "\":{}";
  CHECK(Ask((many + "}}").c_str(), "y\n").result["action"] == "decline");
}

}  // namespace hearth::main
