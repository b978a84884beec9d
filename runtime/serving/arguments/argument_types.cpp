#include "runtime/serving/arguments/argument_types.h"

namespace hearth::serving {
namespace {

unsigned TypeOfWord(std::string_view word) {
  if (word == "null") return kNullType;
  if (word == "boolean") return kBooleanType;
  if (word == "number" || word == "integer") return kNumberType;
  if (word == "string") return kStringType;
  if (word == "array") return kArrayType;
  if (word == "object") return kObjectType;
  return 0;
}

unsigned TypeOfValue(const Json& value) { return TypeOfWord(JsonTypeName(value)); }

}  // namespace

const Json* ArgumentTypes::Resolve(std::string_view reference) const {
  if (root_ == nullptr || !reference.starts_with('#')) return nullptr;
  // A malformed pointer or one that leads nowhere is the grammar's to refuse.
  const Json* at = root_;
  std::string_view rest = reference.substr(1);
  while (!rest.empty() && at != nullptr) {
    if (rest[0] != '/') return nullptr;
    rest.remove_prefix(1);
    const std::string_view step = rest.substr(0, rest.find('/'));
    rest.remove_prefix(step.size());
    std::string key;
    for (size_t i = 0; i < step.size(); ++i) {
      const bool escaped = step[i] == '~' && i + 1 < step.size();
      key += !escaped ? step[i] : step[++i] == '1' ? '/' : '~';
    }
    at = FindMember(*at, key);
  }
  return at;
}

unsigned ArgumentTypes::Admits(const Json& schema, int depth) const {
  constexpr int kDeepest = 16;
  if (!schema.is_object() || depth > kDeepest) return kAnyType;
  unsigned types = kAnyType;
  if (const Json* type = FindMember(schema, "type")) {
    unsigned listed = 0;
    if (type->is_string()) listed = TypeOfWord(type->get_ref<const std::string&>());
    if (type->is_array()) {
      for (const Json& one : *type) {
        if (one.is_string()) listed |= TypeOfWord(one.get_ref<const std::string&>());
      }
    }
    if (listed != 0) types &= listed;
  }
  if (const Json* value = FindMember(schema, "const")) types &= TypeOfValue(*value);
  if (const Json* values = FindMember(schema, "enum"); values != nullptr && values->is_array()) {
    unsigned listed = 0;
    for (const Json& value : *values) listed |= TypeOfValue(value);
    types &= listed;
  }
  if (const Json* reference = FindMember(schema, "$ref");
      reference != nullptr && reference->is_string()) {
    const Json* target = Resolve(reference->get_ref<const std::string&>());
    if (target != nullptr) types &= Admits(*target, depth + 1);
  }
  for (const char* keyword : {"anyOf", "oneOf"}) {
    const Json* branches = FindMember(schema, keyword);
    if (branches == nullptr || !branches->is_array() || branches->empty()) continue;
    unsigned any = 0;
    for (const Json& branch : *branches) any |= Admits(branch, depth + 1);
    types &= any;
  }
  if (const Json* all = FindMember(schema, "allOf"); all != nullptr && all->is_array()) {
    for (const Json& branch : *all) types &= Admits(branch, depth + 1);
  }
  return types;
}

unsigned ArgumentTypes::Of(std::string_view argument) const {
  if (root_ == nullptr) return kAnyType;
  constexpr int kDeepest = 16;
  const Json* at = root_;
  for (int depth = 0; depth < kDeepest && at != nullptr; ++depth) {
    if (const Json* properties = FindMember(*at, "properties")) {
      if (const Json* schema = FindMember(*properties, argument)) return Admits(*schema);
    }
    const Json* more = FindMember(*at, "additionalProperties");
    if (more != nullptr && more->is_object()) return Admits(*more);
    const Json* reference = FindMember(*at, "$ref");
    at = reference != nullptr && reference->is_string()
             ? Resolve(reference->get_ref<const std::string&>())
             : nullptr;
  }
  return kAnyType;
}

void AppendEscaped(std::string_view bytes, std::string& out) {
  constexpr char kDigits[] = "0123456789abcdef";
  for (const char c : bytes) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '\r') {
      out += "\\r";
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += "\\u00";
      out += kDigits[c >> 4];
      out += kDigits[c & 15];
    } else {
      out += c;
    }
  }
}

std::string ValueFromText(std::string_view text, unsigned types) {
  const auto is_space = [](char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; };
  std::string_view core = text;
  while (!core.empty() && is_space(core.front())) core.remove_prefix(1);
  while (!core.empty() && is_space(core.back())) core.remove_suffix(1);
  const auto as_string = [&] {
    std::string out = "\"";
    AppendEscaped(text, out);
    return out + "\"";
  };
  std::string word(core);
  if (core == "True") word = "true";
  if (core == "False") word = "false";
  if (core == "None") word = "null";
  const auto parsed = ParseJson(word);
  if (!parsed.ok()) return as_string();
  // Where a string is allowed too, only what no string would look like is something else.
  unsigned wanted = types;
  if ((types & kStringType) != 0 && types != kAnyType) {
    wanted &= kObjectType | kArrayType;
    if (core == "null") wanted = types & kNullType;
  }
  if (types == kAnyType && word != core) return as_string();
  if ((TypeOfValue(*parsed) & wanted) != 0) return word;
  return (types & kStringType) != 0 ? as_string() : word;
}

}  // namespace hearth::serving
