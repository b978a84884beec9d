#include "runtime/http/openai/guidance.h"

#include <algorithm>
#include <set>

#include "runtime/base/unicode.h"
#include "runtime/http/openai/fields.h"

namespace hearth::http::openai {
namespace {

using serving::AnswerGrammar;
using Kind = AnswerGrammar::Kind;

constexpr size_t kMostChoices = 10'000;

class GuidanceReader {
 public:
  GuidanceReader(serving::ChatRequest& request) : request_(request) {}

  // The fields of one object; `prefix` is what their names begin with there.
  void Read(Fields& fields, const std::string& prefix) {
    const auto name = [&](const char* word) { return prefix + word; };
    const bool bounded = request_.bounds_answer();
    Document(fields, name("json"));
    if (fields.Bool(name("json_object")).value_or(false) && Sole(fields, name("json_object"))) {
      request_.response_schema = Json{{"type", "object"}};
    }
    if (const auto pattern = fields.String(name("regex")); pattern && Sole(fields, name("regex"))) {
      request_.answer_grammar = {Kind::kRegex, *pattern, {}};
    }
    if (const auto text = fields.String(name("grammar")); text && Sole(fields, name("grammar"))) {
      if (Strip(*text).empty()) {
        fields.Complain(name("grammar"),
                        "is empty; give a grammar: GBNF (root ::= \"yes\" | \"no\") or Lark "
                        "(start: \"yes\" | \"no\")");
      }
      request_.answer_grammar = {Kind::kGrammar, *text, {}};
    }
    if (const Json* choices = fields.Array(name("choice"));
        choices != nullptr && Sole(fields, name("choice"))) {
      const bool sound = !choices->empty() && choices->size() <= kMostChoices &&
                         std::ranges::all_of(*choices, [](const Json& c) { return c.is_string(); });
      if (!sound) {
        fields.Complain(name("choice"), Concat("must be 1 to ", kMostChoices, " strings"));
      }
      request_.answer_grammar = {Kind::kChoice, "", *choices};
    }
    // vLLM's clients send it without a prefix.
    Tag(fields);
    if (bounded || !request_.bounds_answer()) return;
    for (const char* word : {"json", "json_object", "regex", "grammar", "choice"}) {
      if (fields.Find(name(word)) != nullptr) field_ = name(word);
    }
    if (field_.empty()) field_ = "structural_tag";
    if (prefix.empty()) field_ = "structured_outputs." + field_;
  }

  // What bounds the answer; empty where nothing does that was read here.
  const std::string& field() const { return field_; }

 private:
  bool Sole(Fields& fields, const std::string& name) {
    if (!request_.bounds_answer()) return true;
    fields.Complain(name, "is one bound on the answer too many; send one of them");
    return false;
  }

  // A schema as an object or as its text.
  void Document(Fields& fields, const std::string& name) {
    const Json* schema = fields.Find(name);
    if (schema == nullptr || !Sole(fields, name)) return;
    Json parsed = *schema;
    if (schema->is_string()) {
      auto text = ParseJson(schema->get_ref<const std::string&>());
      if (!text.ok()) return fields.Complain(name, text.error().message);
      parsed = *std::move(text);
    }
    if (!parsed.is_object() && !parsed.is_boolean()) {
      return fields.Complain(name, "must be a JSON Schema object");
    }
    request_.response_schema = std::move(parsed);
  }

  void Tag(Fields& fields) {
    const Json* tag = fields.Find("structural_tag");
    if (tag == nullptr || !Sole(fields, "structural_tag")) return;
    Json parsed = *tag;
    if (tag->is_string()) {
      auto text = ParseJson(tag->get_ref<const std::string&>());
      if (!text.ok()) return fields.Complain("structural_tag", text.error().message);
      parsed = *std::move(text);
    }
    if (!parsed.is_object()) return fields.Complain("structural_tag", "must be an object");
    request_.answer_grammar = {Kind::kStructuralTag, "", std::move(parsed)};
  }

  serving::ChatRequest& request_;
  std::string field_;
};

}  // namespace

std::string ParseGuidance(const Json& body, serving::ChatRequest& request,
                          std::optional<ApiError>& error) {
  Fields top(body, "", error);
  GuidanceReader reader(request);
  reader.Read(top, "guided_");
  if (const Json* outputs = top.Object("structured_outputs")) {
    Fields fields(*outputs, "structured_outputs", error);
    // vLLM's own words; what its last ones ask for is so here anyhow.
    static const std::set<std::string> kKnown = {"json",
                                                 "json_object",
                                                 "regex",
                                                 "grammar",
                                                 "choice",
                                                 "structural_tag",
                                                 "disable_fallback",
                                                 "disable_any_whitespace",
                                                 "disable_additional_properties"};
    for (const auto& [name, value] : outputs->items()) {
      if (!value.is_null() && !kKnown.contains(name)) fields.Complain(name, "is not supported");
    }
    if (outputs->empty()) top.Complain("structured_outputs", "says nothing; leave it out");
    reader.Read(fields, "");
  }
  return reader.field();
}

}  // namespace hearth::http::openai
