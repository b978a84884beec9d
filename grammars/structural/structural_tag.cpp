#include "grammars/structural/structural_tag.h"

#include <algorithm>
#include <string>
#include <vector>

namespace hearth::grammar {
namespace {

using Json = nlohmann::ordered_json;
using Part = GrammarBuilder::Part;
using Texts = std::vector<std::string>;

class TagReader {
 public:
  TagReader(GrammarBuilder& builder, const JsonSchemaOptions& options)
      : b_(builder), options_(options) {}

  Result<Part> Read(const Json& tag) {
    if (tag.is_object() && tag.contains("structures")) return Older(tag);
    if (tag.is_object() && tag.contains("format")) return Format(tag["format"], {}, 0);
    return Format(tag, {}, 0);
  }

 private:
  static constexpr int kDeepest = 50;
  static constexpr uint32_t kMostRepeats = 100'000;

  static Error Fail(std::string_view what) {
    return MakeError(ErrorCode::kInvalidArgument, "structural tag: ", what);
  }
  static Result<std::string> String(const Json& object, const char* name) {
    const auto it = object.find(name);
    if (it == object.end() || !it->is_string()) {
      return Fail(Concat("'", name, "' is missing or no string"));
    }
    return it->get<std::string>();
  }
  static Result<Texts> Strings(const Json& object, const char* name) {
    Texts out;
    const auto it = object.find(name);
    if (it == object.end()) return out;
    if (it->is_string()) return Texts{it->get<std::string>()};
    if (!it->is_array()) return Fail(Concat("'", name, "' is no array of strings"));
    for (const Json& one : *it) {
      if (!one.is_string()) return Fail(Concat("'", name, "' is no array of strings"));
      out.push_back(one.get<std::string>());
    }
    return out;
  }
  static Result<const Json*> List(const Json& object, const char* name) {
    const auto it = object.find(name);
    if (it == object.end() || !it->is_array() || it->empty()) {
      return Fail(Concat("'", name, "' is missing or an empty array"));
    }
    return &*it;
  }
  static bool Flag(const Json& object, const char* name) {
    return object.value(name, Json(false)) == true;
  }
  static Status Known(const Json& object, std::initializer_list<const char*> names) {
    for (const auto& member : object.items()) {
      const bool known = member.key() == "type" || std::ranges::any_of(names, [&](const char* n) {
                           return member.key() == n;
                         });
      if (!known) return Fail(Concat("unsupported: field '", member.key(), "'"));
    }
    return {};
  }

  // The fixed texts that a format begins with; none where it may begin otherwise.
  static Texts Beginnings(const Json& format) {
    if (!format.is_object()) return {};
    const auto text = [&](const char* name) -> Texts {
      const auto it = format.find(name);
      if (it == format.end()) return {};
      if (it->is_string()) return {it->get<std::string>()};
      Texts all;
      for (const Json& one : *it) {
        if (one.is_string()) all.push_back(one.get<std::string>());
      }
      return all;
    };
    const Json type = format.value("type", Json());
    if (type == "const_string") return text("value");
    if (type == "tag") return text("begin");
    if (type == "or" && format.contains("elements")) {
      Texts all;
      for (const Json& one : format["elements"]) {
        const Texts some = Beginnings(one);
        if (some.empty()) return {};
        all.insert(all.end(), some.begin(), some.end());
      }
      return all;
    }
    if (type == "sequence" && format.contains("elements") && !format["elements"].empty()) {
      return Beginnings(format["elements"][0]);
    }
    return {};
  }

  // `follow`: what begins the text behind the format.
  Result<Part> Format(const Json& format, const Texts& follow, int depth) {
    if (!format.is_object()) return Fail("a format is no object");
    if (depth > kDeepest) return Fail("formats nested too deeply");
    HEARTH_TRY(const std::string type, String(format, "type"));
    if (type == "const_string") {
      HEARTH_CHECK_OK(Known(format, {"value"}));
      HEARTH_TRY(const std::string value, String(format, "value"));
      return b_.Literal(value);
    }
    if (type == "json_schema") {
      HEARTH_CHECK_OK(Known(format, {"json_schema", "style"}));
      if (format.value("style", Json("json")) != "json") {
        return Fail("unsupported: a style of json_schema other than json");
      }
      if (!format.contains("json_schema")) return Fail("'json_schema' is missing");
      return b_.JsonSchema(format["json_schema"], options_);
    }
    if (type == "regex") {
      HEARTH_CHECK_OK(Known(format, {"pattern"}));
      HEARTH_TRY(const std::string pattern, String(format, "pattern"));
      return b_.Regex(pattern);
    }
    if (type == "grammar") {
      HEARTH_CHECK_OK(Known(format, {"grammar"}));
      HEARTH_TRY(const std::string grammar, String(format, "grammar"));
      return b_.Gbnf(grammar);
    }
    if (type == "any_text") {
      HEARTH_CHECK_OK(Known(format, {"excludes"}));
      HEARTH_TRY(Texts stops, Strings(format, "excludes"));
      stops.insert(stops.end(), follow.begin(), follow.end());
      return b_.TextUntil(stops);
    }
    if (type == "sequence") return Sequence(format, follow, depth);
    if (type == "or") {
      HEARTH_CHECK_OK(Known(format, {"elements"}));
      HEARTH_TRY(const Json* elements, List(format, "elements"));
      std::vector<Part> ways;
      for (const Json& one : *elements) {
        HEARTH_TRY(const Part way, Format(one, follow, depth + 1));
        ways.push_back(way);
      }
      return b_.Choice(ways);
    }
    if (type == "tag") return Tag(format, depth);
    if (type == "triggered_tags") return Triggered(format, follow, depth);
    if (type == "tags_with_separator") return Separated(format, depth);
    if (type == "optional" || type == "star" || type == "plus" || type == "repeat") {
      return Repeated(type, format, follow, depth);
    }
    return Fail(Concat("unsupported: format '", type, "'"));
  }

  Result<Part> Sequence(const Json& format, const Texts& follow, int depth) {
    HEARTH_CHECK_OK(Known(format, {"elements"}));
    HEARTH_TRY(const Json* elements, List(format, "elements"));
    std::vector<Part> parts;
    for (size_t i = 0; i < elements->size(); ++i) {
      const Texts next = i + 1 < elements->size() ? Beginnings((*elements)[i + 1]) : follow;
      HEARTH_TRY(const Part part, Format((*elements)[i], next, depth + 1));
      parts.push_back(part);
    }
    return b_.Sequence(parts);
  }

  Result<Part> Repeated(const std::string& type, const Json& format, const Texts& follow,
                        int depth) {
    HEARTH_CHECK_OK(Known(format, {"content", "min", "max"}));
    if (!format.contains("content")) return Fail("'content' is missing");
    const auto bound = [&](const char* name, uint32_t otherwise) -> Result<uint32_t> {
      const auto it = format.find(name);
      if (it == format.end() || *it == -1) return otherwise;
      if (!it->is_number_integer() || *it < 0 || *it > kMostRepeats) {
        return Fail(Concat("'", name, "' is no number of repetitions"));
      }
      return it->get<uint32_t>();
    };
    Texts next = Beginnings(format["content"]);
    next.insert(next.end(), follow.begin(), follow.end());
    HEARTH_TRY(const Part part, Format(format["content"], next, depth + 1));
    if (type == "optional") return b_.Optional(part);
    if (type == "star") return b_.Repeat(part, 0);
    if (type == "plus") return b_.Repeat(part, 1);
    HEARTH_TRY(const uint32_t least, bound("min", 0));
    HEARTH_TRY(const uint32_t most, bound("max", GrammarBuilder::kUnlimited));
    if (most < least) return Fail("'max' is less than 'min'");
    return b_.Repeat(part, least, most);
  }

  Result<Part> Tag(const Json& tag, int depth) {
    if (!tag.is_object()) return Fail("a tag is no object");
    HEARTH_CHECK_OK(Known(tag, {"begin", "content", "end"}));
    HEARTH_TRY(const std::string begin, String(tag, "begin"));
    HEARTH_TRY(const Texts ends, Strings(tag, "end"));
    if (ends.empty()) return Fail("a tag without 'end'");
    if (!tag.contains("content")) return Fail("a tag without 'content'");
    HEARTH_TRY(const Part content, Format(tag["content"], ends, depth + 1));
    std::vector<Part> ways;
    for (const std::string& end : ends) ways.push_back(b_.Literal(end));
    return b_.Sequence({b_.Literal(begin), content, b_.Choice(ways)});
  }

  Result<Part> AnyTag(const Json& tags, int depth) {
    std::vector<Part> ways;
    for (const Json& tag : tags) {
      HEARTH_TRY(const Part way, Tag(tag, depth + 1));
      ways.push_back(way);
    }
    return b_.Choice(ways);
  }

  // Free text in which a trigger begins one of the tags.
  Result<Part> Dispatch(const Json& tags, const Texts& triggers, const Texts& follow,
                        const Texts& excludes, bool at_least_one, bool stop_after_first,
                        int depth) {
    if (triggers.empty()) return Fail("'triggers' is missing");
    for (const Json& tag : tags) {
      HEARTH_TRY(const std::string begin, String(tag, "begin"));
      const bool triggered = std::ranges::any_of(
          triggers, [&](const std::string& t) { return !t.empty() && begin.starts_with(t); });
      if (!triggered) return Fail(Concat("no trigger begins the tag '", begin, "'"));
    }
    HEARTH_TRY(const Part tag, AnyTag(tags, depth));
    Texts stops = triggers;
    stops.insert(stops.end(), excludes.begin(), excludes.end());
    stops.insert(stops.end(), follow.begin(), follow.end());
    const Part text = b_.TextUntil(stops);
    const Part more = b_.Sequence({tag, text});
    if (stop_after_first) {
      return at_least_one ? tag : b_.Sequence({text, b_.Optional(tag)});
    }
    return at_least_one ? b_.Sequence({more, b_.Repeat(more, 0)})
                        : b_.Sequence({text, b_.Repeat(more, 0)});
  }

  Result<Part> Triggered(const Json& format, const Texts& follow, int depth) {
    HEARTH_CHECK_OK(
        Known(format, {"triggers", "tags", "at_least_one", "stop_after_first", "excludes"}));
    HEARTH_TRY(const Json* tags, List(format, "tags"));
    HEARTH_TRY(const Texts triggers, Strings(format, "triggers"));
    HEARTH_TRY(const Texts excludes, Strings(format, "excludes"));
    return Dispatch(*tags, triggers, follow, excludes, Flag(format, "at_least_one"),
                    Flag(format, "stop_after_first"), depth);
  }

  Result<Part> Separated(const Json& format, int depth) {
    HEARTH_CHECK_OK(Known(format, {"tags", "separator", "at_least_one", "stop_after_first"}));
    HEARTH_TRY(const Json* tags, List(format, "tags"));
    HEARTH_TRY(const std::string separator, String(format, "separator"));
    HEARTH_TRY(const Part tag, AnyTag(*tags, depth));
    const Part all =
        Flag(format, "stop_after_first")
            ? tag
            : b_.Sequence({tag, b_.Repeat(b_.Sequence({b_.Literal(separator), tag}), 0)});
    return Flag(format, "at_least_one") ? all : b_.Optional(all);
  }

  // {"structures": [{begin, schema, end}], "triggers": […]}
  Result<Part> Older(const Json& tag) {
    HEARTH_CHECK_OK(Known(tag, {"structures", "triggers"}));
    HEARTH_TRY(const Json* structures, List(tag, "structures"));
    HEARTH_TRY(const Texts triggers, Strings(tag, "triggers"));
    Json tags = Json::array();
    for (const Json& one : *structures) {
      if (!one.is_object()) return Fail("a structure is no object");
      tags.push_back(
          {{"type", "tag"},
           {"begin", one.value("begin", Json())},
           {"content", {{"type", "json_schema"}, {"json_schema", one.value("schema", Json(true))}}},
           {"end", one.value("end", Json())}});
    }
    return Dispatch(tags, triggers, {}, {}, false, false, 0);
  }

  GrammarBuilder& b_;
  const JsonSchemaOptions options_;
};

}  // namespace

Result<Part> AddStructuralTag(GrammarBuilder& builder, const Json& tag,
                              const JsonSchemaOptions& options) {
  return TagReader(builder, options).Read(tag);
}

}  // namespace hearth::grammar
