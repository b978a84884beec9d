// Value: what a template's expressions work with; Python's values as far as templates see them.
//
// Strings are immutable and shared. Lists, dicts and objects have identity and may be changed by a
// template; the Heap of the rendering owns them, so that a list that holds itself costs no leak.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "runtime/base/core/result.h"
#include "runtime/serving/template/budget.h"
#include "runtime/serving/template/traced_string.h"

namespace hearth::serving {

struct List;
struct Dict;
class Object;

// A name, attribute or element that is not there. Prints as nothing, iterates as nothing, is false;
// any other use is an error that names it.
struct Undefined {
  std::shared_ptr<const std::string> name;
};
struct None {};
using StringPtr = std::shared_ptr<const TracedString>;

class Value {
 public:
  Value() : held_(None{}) {}
  Value(None) : held_(None{}) {}                               // NOLINT: implicit by design
  Value(Undefined undefined) : held_(std::move(undefined)) {}  // NOLINT
  Value(bool value) : held_(value) {}                          // NOLINT
  Value(int64_t value) : held_(value) {}                       // NOLINT
  Value(double value) : held_(value) {}                        // NOLINT
  Value(StringPtr text) : held_(std::move(text)) {}            // NOLINT
  Value(TracedString text)
      : held_(std::make_shared<const TracedString>(std::move(text))) {}  // NOLINT
  Value(List* list) : held_(list) {}                                     // NOLINT
  Value(Dict* dict) : held_(dict) {}                                     // NOLINT
  Value(Object* object) : held_(object) {}                               // NOLINT
  // A string constant is no bool.
  Value(const char*) = delete;

  static Value UndefinedName(std::string_view name) {
    return Undefined{std::make_shared<const std::string>(name)};
  }

  bool IsUndefined() const { return std::holds_alternative<Undefined>(held_); }
  bool IsNone() const { return std::holds_alternative<None>(held_); }
  bool IsString() const { return std::holds_alternative<StringPtr>(held_); }
  const bool* AsBool() const { return std::get_if<bool>(&held_); }
  const double* AsFloat() const { return std::get_if<double>(&held_); }
  // Integers alone; see AsInteger.
  const int64_t* AsInt() const { return std::get_if<int64_t>(&held_); }
  const TracedString* AsString() const {
    const StringPtr* const text = SharedString();
    return text == nullptr ? nullptr : text->get();
  }
  const StringPtr* SharedString() const { return std::get_if<StringPtr>(&held_); }
  List* AsList() const { return Pointer<List>(); }
  Dict* AsDict() const { return Pointer<Dict>(); }
  Object* AsObject() const { return Pointer<Object>(); }
  const Undefined* AsUndefined() const { return std::get_if<Undefined>(&held_); }
  // Booleans are integers, as in Python.
  std::optional<int64_t> AsInteger() const {
    if (const bool* const truth = AsBool()) return *truth ? 1 : 0;
    const int64_t* const number = AsInt();
    return number == nullptr ? std::nullopt : std::optional<int64_t>(*number);
  }
  std::optional<double> AsNumber() const {
    if (const double* const number = AsFloat()) return *number;
    const auto number = AsInteger();
    return number ? std::optional<double>(static_cast<double>(*number)) : std::nullopt;
  }

 private:
  template <typename T>
  T* Pointer() const {
    T* const* const held = std::get_if<T*>(&held_);
    return held == nullptr ? nullptr : *held;
  }

  std::variant<Undefined, None, bool, int64_t, double, StringPtr, List*, Dict*, Object*> held_;
};

struct List {
  std::vector<Value> items;
  bool is_tuple = false;
};

// Members keep their order. A namespace() is a Dict whose members can be assigned as attributes.
// Keys are strings, numbers, booleans or None.
struct Dict {
  std::vector<std::pair<Value, Value>> members;
  bool is_namespace = false;

  Value* Find(const Value& key);
  Value* FindName(std::string_view key);
  void Set(const Value& key, Value value);
};

class Runtime;

struct Arguments {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> named;
};

// Anything that can be called, or that has attributes of its own: functions, methods, macros,
// loops.
class Object {
 public:
  virtual ~Object() = default;
  // Python's name of the type.
  virtual std::string_view type() const = 0;
  virtual bool IsCallable() const { return true; }
  virtual Result<Value> Call(Runtime& runtime, Arguments arguments) = 0;
  virtual std::optional<Value> Attribute(std::string_view) { return std::nullopt; }
};

// Owns what has identity, until the rendering ends.
class Heap {
 public:
  List* NewList(std::vector<Value> items = {}, bool is_tuple = false) {
    return &lists_.emplace_back(List{std::move(items), is_tuple});
  }
  Dict* NewDict() { return &dicts_.emplace_back(); }
  template <typename T, typename... Args>
  T* New(Args&&... args) {
    auto object = std::make_unique<T>(std::forward<Args>(args)...);
    T* const pointer = object.get();
    objects_.push_back(std::move(object));
    return pointer;
  }

 private:
  std::deque<List> lists_;
  std::deque<Dict> dicts_;
  std::vector<std::unique_ptr<Object>> objects_;
};

bool IsTrue(const Value& value);
// Whether a dict can have it as a key.
bool IsKey(const Value& value);
// Python's ==: numbers by value, strings by their bytes (never by origin), lists and dicts by
// content. An Error where that takes too long or nests too deeply.
Result<bool> AreEqual(const Value& a, const Value& b, Budget& budget, int depth = 0);
// Less than, equal or greater as -1, 0, 1, for values that Python orders; an Error names the types
// else.
Result<int> Order(const Value& a, const Value& b, Budget& budget, int depth = 0);
// Python's name for the type: "str", "NoneType" …
std::string_view TypeName(const Value& value);
inline Value DataString(std::string_view text) { return TracedString(text, Origin::kData); }

}  // namespace hearth::serving
