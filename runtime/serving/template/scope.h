// Scope: the names that statements can see, innermost first.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/serving/template/value.h"

namespace hearth::serving {

class Scope {
 public:
  explicit Scope(Scope* outer) : outer_(outer) {}

  // Null where no scope has the name.
  const Value* Find(std::string_view name) const {
    for (const Scope* scope = this; scope != nullptr; scope = scope->outer_) {
      for (const auto& [candidate, value] : scope->names_) {
        if (candidate == name) return &value;
      }
    }
    return nullptr;
  }

  // In this scope, whatever the outer ones have.
  void Set(std::string_view name, Value value) {
    for (auto& [candidate, old] : names_) {
      if (candidate != name) continue;
      old = std::move(value);
      return;
    }
    names_.emplace_back(name, std::move(value));
  }

 private:
  Scope* outer_;
  std::vector<std::pair<std::string, Value>> names_;
};

// Keeps scopes until the rendering ends, because macros remember where they were defined.
class Scopes {
 public:
  Scope& New(Scope* outer) { return scopes_.emplace_back(outer); }

 private:
  std::deque<Scope> scopes_;
};

}  // namespace hearth::serving
