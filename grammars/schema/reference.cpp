// $ref: JSON pointers and anchors within the document.
#include <algorithm>

#include "grammars/schema/schema_compiler.h"

namespace hearth::grammar {

Result<Term> SchemaCompiler::Resolve(Term term, const std::string& reference) {
  const auto fail = [&](const std::string& why) {
    return At(term, "$ref", ErrorCode::kUnsupported,
              "unsupported: $ref \"" + reference + "\" " + why);
  };
  const size_t hash = reference.find('#');
  const std::string base = reference.substr(0, hash);
  std::string fragment = hash == std::string::npos ? "" : reference.substr(hash + 1);
  const Json* root = root_;
  const Json* resource = term.resource;
  if (!base.empty()) {
    const auto id_of = [](const Json& schema) -> std::string {
      if (!schema.is_object()) return "";
      for (const char* key : {"$id", "id"}) {
        const Json* id = Member(schema, key);
        if (id == nullptr || !id->is_string()) continue;
        const std::string& text = id->get_ref<const std::string&>();
        return text.substr(0, text.find('#'));
      }
      return "";
    };
    if (base == id_of(*root)) {
      resource = root;
    } else {
      return fail("leaves this document");
    }
  }
  // Percent decoding; then a JSON pointer or an anchor.
  std::string text;
  for (size_t i = 0; i < fragment.size(); ++i) {
    if (fragment[i] == '%' && i + 2 < fragment.size() + 0 &&
        isxdigit(static_cast<uint8_t>(fragment[i + 1])) &&
        isxdigit(static_cast<uint8_t>(fragment[i + 2]))) {
      text += static_cast<char>(std::stoi(fragment.substr(i + 1, 2), nullptr, 16));
      i += 2;
    } else {
      text += fragment[i];
    }
  }
  if (text.empty()) return Term{resource, resource};
  if (text[0] != '/') {
    std::vector<const Json*> todo{resource};
    for (size_t i = 0; i < todo.size() && Spend(1); ++i) {
      if (!todo[i]->is_structured()) continue;
      if (todo[i]->is_object()) {
        const Json* anchor = Member(*todo[i], "$anchor");
        if (anchor != nullptr && anchor->is_string() && *anchor == text)
          return Term{todo[i], resource};
        const Json* id = Member(*todo[i], "$id");
        if (id == nullptr) id = Member(*todo[i], "id");
        if (id != nullptr && id->is_string() && *id == "#" + text) return Term{todo[i], resource};
      }
      for (const Json& item : *todo[i]) todo.push_back(&item);
    }
    return fail("has no such anchor");
  }
  const auto follow = [&](const Json* at) -> const Json* {
    size_t from = 1;
    for (;;) {
      const size_t to = std::min(text.find('/', from), text.size());
      std::string name;
      for (size_t i = from; i < to; ++i) {
        if (text[i] == '~' && i + 1 < to && (text[i + 1] == '0' || text[i + 1] == '1')) {
          name += text[++i] == '0' ? '~' : '/';
        } else {
          name += text[i];
        }
      }
      if (at->is_object()) {
        if (!Spend(at->size() / 16)) return nullptr;
        const auto it = at->find(name);
        if (it == at->end()) return nullptr;
        at = &*it;
      } else if (at->is_array() && !name.empty() && name.size() < 8 &&
                 std::all_of(name.begin(), name.end(),
                             [](char c) { return c >= '0' && c <= '9'; }) &&
                 std::stoul(name) < at->size()) {
        at = &(*at)[std::stoul(name)];
      } else {
        return nullptr;
      }
      if (to == text.size()) return at;
      from = to + 1;
    }
  };
  const Json* target = follow(resource);
  if (target == nullptr && resource != root && base.empty()) {
    target = follow(root);
    resource = root;
  }
  if (target == nullptr) return fail("points nowhere");
  return Term{target, resource};
}

}  // namespace hearth::grammar
