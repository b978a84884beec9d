#include "runtime/main/elicitation_form.h"

#include <algorithm>
#include <optional>
#include <sstream>
#include <vector>

#include "runtime/base/text.h"

namespace hearth::main {
namespace {

constexpr size_t kMostFields = 100;

std::string TextOf(const Json& object, const char* name) {
  const Json* value = FindMember(object, name);
  return value != nullptr && value->is_string() ? value->get<std::string>() : std::string();
}

// The values that a choice allows: an enum, or titled alternatives (oneOf, anyOf) by their const.
std::vector<std::string> Choices(const Json& schema) {
  std::vector<std::string> choices;
  if (const Json* allowed = FindMember(schema, "enum"); allowed != nullptr) {
    for (const Json& one : *allowed) {
      if (one.is_string()) choices.push_back(one.get<std::string>());
    }
  }
  for (const char* name : {"oneOf", "anyOf"}) {
    const Json* alternatives = FindMember(schema, name);
    if (alternatives == nullptr) continue;
    for (const Json& one : *alternatives) choices.push_back(TextOf(one, "const"));
  }
  return choices;
}

bool IsAllowed(const std::vector<std::string>& choices, const std::string& value) {
  return choices.empty() || std::ranges::find(choices, value) != choices.end();
}

bool IsBetween(const Json& schema, double value, const char* least, const char* most) {
  const Json* low = FindMember(schema, least);
  const Json* high = FindMember(schema, most);
  return (low == nullptr || !low->is_number() || value >= low->get<double>()) &&
         (high == nullptr || !high->is_number() || value <= high->get<double>());
}

// Several choices, separated by commas.
std::optional<Json> ReadList(const Json& schema, const std::string& line) {
  const Json* items = FindMember(schema, "items");
  const std::vector<std::string> choices =
      items == nullptr ? std::vector<std::string>() : Choices(*items);
  Json list = Json::array();
  std::istringstream in(line);
  for (std::string one; std::getline(in, one, ',');) {
    const size_t begin = std::min(one.find_first_not_of(' '), one.size());
    one = one.substr(begin, one.find_last_not_of(' ') + 1 - begin);
    if (!IsAllowed(choices, one)) return std::nullopt;
    list.push_back(one);
  }
  if (!IsBetween(schema, static_cast<double>(list.size()), "minItems", "maxItems")) {
    return std::nullopt;
  }
  return list;
}

// The line as a value of the field's type; nothing where it is none.
std::optional<Json> ReadField(const Json& schema, const std::string& line) {
  const std::string type = TextOf(schema, "type");
  if (type == "boolean") {
    if (line == "y" || line == "yes" || line == "true") return true;
    if (line == "n" || line == "no" || line == "false") return false;
    return std::nullopt;
  }
  if (type == "integer" || type == "number") {
    const auto number = ParseJson(line);
    if (!number.ok() || !number->is_number()) return std::nullopt;
    if (type == "integer" && !number->is_number_integer()) return std::nullopt;
    if (!IsBetween(schema, number->get<double>(), "minimum", "maximum")) return std::nullopt;
    return *number;
  }
  if (type == "array") return ReadList(schema, line);
  if (!IsAllowed(Choices(schema), line)) return std::nullopt;
  if (!IsBetween(schema, static_cast<double>(line.size()), "minLength", "maxLength")) {
    return std::nullopt;
  }
  return line;
}

std::string Hint(const Json& schema) {
  const std::string type = TextOf(schema, "type");
  if (type == "boolean") return " (y/n)";
  const Json* items = FindMember(schema, "items");
  std::string hint;
  for (const std::string& choice : Choices(items == nullptr ? schema : *items)) {
    hint += (hint.empty() ? " (" : ", ") + OneLine(choice);
  }
  if (!hint.empty()) return hint + (type == "array" ? "; several with commas)" : ")");
  return type.empty() || type == "string" ? "" : " (" + OneLine(type) + ")";
}

bool IsRequired(const Json& schema, const std::string& name) {
  const Json* required = FindMember(schema, "required");
  return required != nullptr && required->is_array() &&
         std::ranges::find(*required, Json(name)) != required->end();
}

}  // namespace

Json AskForm(const std::string& server, const Json& params, std::istream& in, std::ostream& out) {
  const Json declined = {{"action", "decline"}};
  const Json* schema = FindMember(params, "requestedSchema");
  const Json* fields = schema == nullptr ? nullptr : FindMember(*schema, "properties");
  if (fields == nullptr || !fields->is_object() || fields->size() > kMostFields) return declined;
  out << "\nThe MCP server '" << OneLine(server) << "' asks: " << OneLine(TextOf(params, "message"))
      << "\n(an empty line takes what stands in brackets, or nothing; a dot alone declines)\n";
  Json content = Json::object();
  for (const auto& [name, field] : fields->items()) {
    const Json* otherwise = FindMember(field, "default");
    const std::string title = TextOf(field, "title");
    std::optional<Json> value;
    while (!value) {
      out << "  " << OneLine(title.empty() ? name : title) << Hint(field)
          << (otherwise == nullptr ? "" : " [" + OneLine(DumpJson(*otherwise)) + "]") << ": "
          << std::flush;
      std::string line;
      if (!std::getline(in, line) || line == ".") return declined;
      if (!line.empty()) {
        value = ReadField(field, line);
      } else if (otherwise != nullptr) {
        value = *otherwise;
      } else if (!IsRequired(*schema, name)) {
        break;
      }
    }
    if (value) content[name] = *std::move(value);
  }
  return {{"action", "accept"}, {"content", std::move(content)}};
}

}  // namespace hearth::main
