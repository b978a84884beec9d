// The language, snippet by snippet, against Python's Jinja (tests/golden/README.md).
#include <catch2/catch.hpp>

#include "runtime/serving/template/evaluator.h"
#include "runtime/serving/template/parser.h"
#include "runtime/serving/template/value_json.h"
#include "tests/support/files.h"

namespace hearth::serving {
namespace {

Result<std::string> Render(const std::string& source, const Json& variables) {
  HEARTH_TRY(const Block block, ParseTemplate(source));
  RenderLimits limits;
  limits.max_seconds = 60;
  const auto day = std::chrono::sys_days(std::chrono::year(2026) / 11 / 21);
  Runtime runtime(
      limits, day + std::chrono::hours(12) + std::chrono::minutes(34) + std::chrono::seconds(56),
      "UTC");
  Evaluator evaluator(runtime);
  for (const auto& [name, json] : variables.items()) {
    HEARTH_TRY(Value value, FromJson(json, runtime.heap(), runtime.budget()));
    evaluator.SetVariable(name, std::move(value));
  }
  HEARTH_TRY(const TracedString text, evaluator.Render(block));
  return std::string(text.view());
}

TEST_CASE("every snippet gives Jinja's text, or an error where Jinja has one") {
  const Json golden = Json::parse(test::ReadFile(test::Golden("templates/language.json")));
  CHECK(golden["cases"].size() >= 120);
  for (const Json& one : golden["cases"]) {
    const std::string source = one["template"];
    INFO(source);
    const auto text = Render(source, golden["variables"]);
    if (one.contains("text")) {
      INFO((text.ok() ? std::string() : text.error().message));
      REQUIRE(text.ok());
      CHECK(*text == one["text"].get<std::string>());
    } else {
      INFO(one["error"]);
      CHECK_FALSE(text.ok());
    }
  }
}

}  // namespace
}  // namespace hearth::serving
