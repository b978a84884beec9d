#include "tools/argument_schema.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/base/text.h"
#include "runtime/base/time_format.h"
#include "runtime/base/unicode.h"

namespace hearth::tools {

struct ArgumentSchema::Node {
  std::vector<std::string> types;  // any of them; none: every type
  std::optional<std::vector<Json>> allowed;
  std::vector<std::string> names;  // of the properties
  std::vector<Node> properties;    // one for each name
  std::vector<std::string> required;
  bool closed = false;           // additionalProperties: false
  std::vector<Node> additional;  // one, where additionalProperties is a schema
  std::vector<Node> items;       // one, where there is a schema for the items
  std::optional<Json> minimum, maximum, exclusive_minimum, exclusive_maximum;
  size_t min_length = 0, min_items = 0;
  size_t max_length = std::numeric_limits<size_t>::max();
  size_t max_items = std::numeric_limits<size_t>::max();
  bool date = false;

  const Node* Property(std::string_view name) const {
    const auto found = std::find(names.begin(), names.end(), name);
    return found == names.end() ? nullptr : &properties[static_cast<size_t>(found - names.begin())];
  }
};

namespace {

constexpr int kMaxDepth = 32;
constexpr std::array<const char*, 7> kTypes = {"null",   "boolean", "integer", "number",
                                               "string", "array",   "object"};
constexpr std::array<const char*, 7> kAnnotations = {
    "title", "description", "default", "examples", "deprecated", "$schema", "$comment"};

template <size_t N>
bool Contains(const std::array<const char*, N>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool HasType(const Json& value, std::string_view type) {
  return type == JsonTypeName(value) || (type == "number" && value.is_number());
}

// Exact for every integer that Json holds.
long double ToNumber(const Json& value) {
  if (value.is_number_unsigned()) return static_cast<long double>(value.get<uint64_t>());
  if (value.is_number_integer()) return static_cast<long double>(value.get<int64_t>());
  return static_cast<long double>(value.get<double>());
}

std::string Shown(const Json& value) { return Clip(OneLine(DumpJson(value)), 60); }

// "a, b, c": the first twenty.
std::string Join(const std::vector<std::string>& words, const char* separator = ", ") {
  constexpr size_t kShown = 20;
  std::string list;
  for (size_t i = 0; i < std::min(words.size(), kShown); ++i) {
    list += (i == 0 ? "" : separator) + words[i];
  }
  return words.size() > kShown ? list + ", ..." : list;
}

}  // namespace

// Reads a schema; the first fault ends it.
class ArgumentSchema::Compiler {
 public:
  Result<Node> Compile(const Json& schema, const std::string& place, int depth) {
    if (depth > kMaxDepth) {
      return MakeError(ErrorCode::kResourceExhausted, "schema at ", place, ": nested deeper than ",
                       kMaxDepth, " levels");
    }
    if (schema.is_boolean() && schema.get<bool>()) return Node{};
    if (!schema.is_object()) return Bad(place, "a schema must be an object");
    Node node;
    for (const auto& [keyword, value] : schema.get_ref<const Json::object_t&>()) {
      if (Contains(kAnnotations, keyword)) continue;
      HEARTH_CHECK_OK(ReadKeyword(node, keyword, value, place + "/" + keyword, depth));
    }
    for (const auto& name : node.required) {
      if (node.closed && node.Property(name) == nullptr) {
        return Bad(place, "'" + name + "' is required but not among the properties");
      }
    }
    return node;
  }

 private:
  static Error Bad(const std::string& place, const std::string& what) {
    return MakeError(ErrorCode::kInvalidArgument, "schema at ", place, ": ", what);
  }

  Status ReadKeyword(Node& node, const std::string& keyword, const Json& value,
                     const std::string& place, int depth) {
    if (keyword == "type") return ReadTypes(node, value, place);
    if (keyword == "enum") return ReadEnum(node, value, place);
    if (keyword == "const") return ReadEnum(node, Json::array({value}), place);
    if (keyword == "properties") return ReadProperties(node, value, place, depth);
    if (keyword == "required") return ReadStrings(node.required, value, place);
    if (keyword == "additionalProperties") return ReadAdditional(node, value, place, depth);
    if (keyword == "items") return ReadInto(node.items, value, place, depth);
    if (keyword == "minimum") return ReadNumber(node.minimum, value, place);
    if (keyword == "maximum") return ReadNumber(node.maximum, value, place);
    if (keyword == "exclusiveMinimum") return ReadNumber(node.exclusive_minimum, value, place);
    if (keyword == "exclusiveMaximum") return ReadNumber(node.exclusive_maximum, value, place);
    if (keyword == "minLength") return ReadCount(node.min_length, value, place);
    if (keyword == "maxLength") return ReadCount(node.max_length, value, place);
    if (keyword == "minItems") return ReadCount(node.min_items, value, place);
    if (keyword == "maxItems") return ReadCount(node.max_items, value, place);
    if (keyword == "format" && value == "date") {
      node.date = true;
      return {};
    }
    return MakeError(
        ErrorCode::kUnsupported, "schema at ", place, ": ",
        keyword == "format" ? "only the format \"date\" is checked" : "this keyword is not checked",
        "; say it in the description instead");
  }

  static Status ReadTypes(Node& node, const Json& value, const std::string& place) {
    if (value.is_string()) {
      node.types = {value.get<std::string>()};
    } else {
      HEARTH_CHECK_OK(ReadStrings(node.types, value, place));
      if (node.types.empty()) return Bad(place, "no type is allowed");
    }
    for (const auto& type : node.types) {
      if (!Contains(kTypes, type)) return Bad(place, "'" + type + "' is no JSON type");
    }
    return {};
  }

  static Status ReadEnum(Node& node, const Json& value, const std::string& place) {
    if (!value.is_array() || value.empty()) return Bad(place, "must be a list with a value in it");
    if (node.allowed) return Bad(place, "enum and const exclude each other");
    node.allowed.emplace();
    for (const auto& allowed : value) {
      if (allowed.is_structured()) {
        return MakeError(ErrorCode::kUnsupported, "schema at ", place,
                         ": only scalar values can be listed");
      }
      node.allowed->push_back(allowed);
    }
    return {};
  }

  Status ReadProperties(Node& node, const Json& value, const std::string& place, int depth) {
    if (!value.is_object()) return Bad(place, "must be an object");
    for (const auto& [name, schema] : value.get_ref<const Json::object_t&>()) {
      HEARTH_CHECK_OK(ReadInto(node.properties, schema, place + "/" + name, depth));
      node.names.push_back(name);
    }
    return {};
  }

  Status ReadAdditional(Node& node, const Json& value, const std::string& place, int depth) {
    if (value.is_boolean()) {
      node.closed = !value.get<bool>();
      return {};
    }
    return ReadInto(node.additional, value, place, depth);
  }

  Status ReadInto(std::vector<Node>& out, const Json& value, const std::string& place, int depth) {
    HEARTH_TRY(Node node, Compile(value, place, depth + 1));
    out.push_back(std::move(node));
    return {};
  }

  static Status ReadStrings(std::vector<std::string>& out, const Json& value,
                            const std::string& place) {
    if (!value.is_array()) return Bad(place, "must be a list of strings");
    for (const auto& entry : value) {
      if (!entry.is_string()) return Bad(place, "must be a list of strings");
      out.push_back(entry.get<std::string>());
    }
    return {};
  }

  static Status ReadNumber(std::optional<Json>& out, const Json& value, const std::string& place) {
    if (!value.is_number()) return Bad(place, "must be a number");
    out = value;
    return {};
  }

  static Status ReadCount(size_t& out, const Json& value, const std::string& place) {
    // A literal in C++ is signed where the same number from a text is not.
    if (!value.is_number_integer() || value < 0) return Bad(place, "must be a whole number from 0");
    out = value.get<size_t>();
    return {};
  }
};

// Walks a value along the schema and collects faults.
class ArgumentSchema::Checker {
 public:
  void Check(const Node& node, const Json& value, const std::string& path) {
    if (Full()) return;
    if (!node.types.empty() && std::none_of(node.types.begin(), node.types.end(),
                                            [&](const auto& t) { return HasType(value, t); })) {
      Add(path, "must be " + TypeList(node), value);
      return;  // the other rules would only repeat it
    }
    CheckAllowed(node, value, path);
    if (value.is_number()) CheckNumber(node, value, path);
    if (value.is_string()) CheckString(node, value, path);
    if (value.is_array()) CheckArray(node, value, path);
    if (value.is_object()) CheckObject(node, value, path);
  }

  Status Verdict() const {
    if (faults_.empty()) return {};
    std::string all;
    for (const auto& fault : faults_) all += (all.empty() ? "" : "; ") + fault;
    return Error{ErrorCode::kInvalidArgument, std::move(all)};
  }

 private:
  static constexpr size_t kMaxFaults = 5;
  bool Full() const { return faults_.size() >= kMaxFaults; }

  static std::string Name(const std::string& path) {
    return path.empty() ? "the arguments" : "argument '" + path + "'";
  }

  void Add(const std::string& path, const std::string& rule, const Json& value) {
    if (!Full()) faults_.push_back(Concat(Name(path), " ", rule, ", not ", Shown(value)));
  }

  static std::string TypeList(const Node& node) {
    std::vector<std::string> words;
    for (const auto& type : node.types) {
      if (type == "null") {
        words.push_back(type);
      } else {
        const bool vowel = type == "integer" || type == "array" || type == "object";
        words.push_back((vowel ? "an " : "a ") + type);
      }
    }
    return Join(words, " or ");
  }

  void CheckAllowed(const Node& node, const Json& value, const std::string& path) {
    if (!node.allowed) return;
    if (std::find(node.allowed->begin(), node.allowed->end(), value) != node.allowed->end()) return;
    std::vector<std::string> words;
    for (const auto& allowed : *node.allowed) {
      words.push_back(allowed.is_string() ? OneLine(allowed.get<std::string>())
                                          : DumpJson(allowed));
    }
    Add(path, (words.size() == 1 ? "must be " : "must be one of ") + Join(words), value);
  }

  void CheckNumber(const Node& node, const Json& value, const std::string& path) {
    const long double number = ToNumber(value);
    const auto rule = [&](const std::optional<Json>& bound, const char* words, auto holds) {
      if (bound && !holds(number, ToNumber(*bound))) Add(path, words + DumpJson(*bound), value);
    };
    rule(node.minimum, "must be at least ", [](auto n, auto bound) { return n >= bound; });
    rule(node.maximum, "must be at most ", [](auto n, auto bound) { return n <= bound; });
    rule(node.exclusive_minimum, "must be above ", [](auto n, auto bound) { return n > bound; });
    rule(node.exclusive_maximum, "must be below ", [](auto n, auto bound) { return n < bound; });
  }

  void CheckString(const Node& node, const Json& value, const std::string& path) {
    const auto& text = value.get_ref<const std::string&>();
    // Counting takes a look at every byte of a text that may be large.
    const bool bounded =
        node.min_length != 0 || node.max_length != std::numeric_limits<size_t>::max();
    const size_t length = bounded ? CountCodePoints(text) : 0;
    if (length == 0 && node.min_length != 0) {
      Add(path, "must not be empty", value);
    } else if (length < node.min_length) {
      Add(path, Concat("must have at least ", node.min_length, " characters"), value);
    } else if (length > node.max_length) {
      Add(path, Concat("must have at most ", node.max_length, " characters"), value);
    }
    if (node.date && !ParseDate(text).ok()) {
      Add(path, "must be an existing date written YYYY-MM-DD, such as 2026-11-21", value);
    }
  }

  void CheckArray(const Node& node, const Json& value, const std::string& path) {
    if (value.size() < node.min_items) {
      Add(path, Concat("must have at least ", node.min_items, " entries"), value);
    } else if (value.size() > node.max_items) {
      Add(path, Concat("must have at most ", node.max_items, " entries"), value);
    }
    if (node.items.empty()) return;
    for (size_t i = 0; i < value.size() && !Full(); ++i) {
      Check(node.items.front(), value[i], Concat(path, "[", i, "]"));
    }
  }

  void CheckObject(const Node& node, const Json& value, const std::string& path) {
    for (const auto& name : node.required) {
      if (Full()) return;
      if (FindMember(value, name) != nullptr) continue;
      const Node* property = node.Property(name);
      const std::string type =
          property == nullptr || property->types.empty() ? "" : " (" + TypeList(*property) + ")";
      faults_.push_back(Name(Below(path, name)) + type + " is missing");
    }
    for (const auto& [name, member] : value.get_ref<const Json::object_t&>()) {
      if (Full()) return;
      if (const Node* property = node.Property(name)) {
        Check(*property, member, Below(path, name));
      } else if (!node.additional.empty()) {
        Check(node.additional.front(), member, Below(path, name));
      } else if (node.closed) {
        AddUnknown(node, path, name);
      }
    }
  }

  void AddUnknown(const Node& node, const std::string& path, const std::string& name) {
    faults_.push_back(
        Concat(Name(Below(path, name)), " does not exist; ",
               node.names.empty() ? "there are none" : "there are " + Join(node.names)));
  }

  static std::string Below(const std::string& path, const std::string& name) {
    return (path.empty() ? "" : path + ".") + Clip(OneLine(name), 60);
  }

  std::vector<std::string> faults_;
};

Result<ArgumentSchema> ArgumentSchema::Compile(const Json& schema) {
  HEARTH_TRY(Node root, Compiler().Compile(schema, "#", 0));
  return ArgumentSchema(std::make_shared<const Node>(std::move(root)));
}

Status ArgumentSchema::Validate(const Json& value) const {
  Checker checker;
  checker.Check(*root_, value, "");
  return checker.Verdict();
}

}  // namespace hearth::tools
