#include "runtime/serving/template/runtime.h"

#include <utility>

#include "runtime/base/unicode.h"
#include "runtime/serving/template/methods.h"

namespace hearth::serving {
namespace {

// A value made of a character costs more than a step.
constexpr size_t kCharacterSteps = 4;

Value Missing(const Value& object, std::string_view name) {
  return Value::UndefinedName(Concat(TypeName(object), ".", name));
}

// The element at an index that may count from the end; null where there is none.
template <typename Item>
const Item* At(const std::vector<Item>& items, int64_t index) {
  const auto size = static_cast<int64_t>(items.size());
  if (index < 0) index += size;
  return index >= 0 && index < size ? &items[static_cast<size_t>(index)] : nullptr;
}

std::optional<TracedString> CharacterAt(const TracedString& text, int64_t index) {
  if (index < 0) index += static_cast<int64_t>(CountCodePoints(text.view()));
  std::string_view rest = text.view();
  for (; index > 0 && !rest.empty(); --index) TakeCodePoint(rest);
  if (index != 0 || rest.empty()) return std::nullopt;
  const size_t begin = text.size() - rest.size();
  TakeCodePoint(rest);
  return text.Slice(begin, text.size() - rest.size());
}

}  // namespace

Error UndefinedError(const Value& value) {
  return TemplateError("'", *value.AsUndefined()->name, "' is undefined");
}

MethodFunction FindMethod(const Value& self, std::string_view name) {
  if (self.IsString()) return FindStringMethod(name);
  if (self.AsList() != nullptr) return FindListMethod(name);
  if (const Dict* const dict = self.AsDict())
    return dict->is_namespace ? nullptr : FindDictMethod(name);
  return nullptr;
}

Result<std::vector<Value>> Runtime::Iterate(const Value& value) {
  std::vector<Value> items;
  if (const List* const list = value.AsList()) {
    HEARTH_CHECK_OK(budget_.Spend(list->items.size()));
    items = list->items;
  } else if (const Dict* const dict = value.AsDict(); dict != nullptr && !dict->is_namespace) {
    HEARTH_CHECK_OK(budget_.Spend(dict->members.size()));
    for (const auto& member : dict->members) items.push_back(member.first);
  } else if (const TracedString* const text = value.AsString()) {
    std::string_view rest = text->view();
    while (!rest.empty()) {
      HEARTH_CHECK_OK(budget_.Spend(kCharacterSteps));
      const size_t begin = text->size() - rest.size();
      TakeCodePoint(rest);
      items.push_back(text->Slice(begin, text->size() - rest.size()));
    }
  } else if (!value.IsUndefined()) {
    return TemplateError("a value of type ", TypeName(value), " cannot be iterated");
  }
  return items;
}

Result<Value> Runtime::GetAttribute(const Value& object, std::string_view name) {
  if (object.IsUndefined()) return UndefinedError(object);
  if (Object* const held = object.AsObject()) {
    const auto attribute = held->Attribute(name);
    return attribute ? *attribute : Missing(object, name);
  }
  if (const MethodFunction method = FindMethod(object, name)) {
    return Value(static_cast<Object*>(heap_.New<BoundMethod>(object, method)));
  }
  if (Dict* const dict = object.AsDict()) {
    HEARTH_CHECK_OK(budget_.Spend(dict->members.size() / 8));
    if (const Value* const member = dict->FindName(name)) return *member;
  }
  return Missing(object, name);
}

Result<Value> Runtime::GetItem(const Value& object, const Value& key) {
  if (object.IsUndefined()) return UndefinedError(object);
  if (Dict* const dict = object.AsDict()) {
    HEARTH_CHECK_OK(budget_.Spend(dict->members.size() / 8));
    if (const Value* const member = dict->Find(key)) return *member;
  } else if (const auto index = key.AsInteger()) {
    if (const List* const list = object.AsList()) {
      if (const Value* const item = At(list->items, *index)) return *item;
    } else if (const TracedString* const text = object.AsString()) {
      HEARTH_CHECK_OK(budget_.Spend(text->size() / 64));
      if (auto character = CharacterAt(*text, *index)) return Value(*std::move(character));
    }
    return Missing(object, std::to_string(*index));
  }
  // As Jinja does, object["name"] falls back on the attribute.
  if (const TracedString* const name = key.AsString()) {
    if (object.AsObject() != nullptr || FindMethod(object, name->view()) != nullptr) {
      return GetAttribute(object, name->view());
    }
    return Missing(object, name->view());
  }
  return Missing(object, TypeName(key));
}

}  // namespace hearth::serving
