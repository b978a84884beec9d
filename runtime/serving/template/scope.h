// Scope: the names that statements can see, innermost first.
#pragma once

#include <algorithm>
#include <cstddef>
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

// Owns the scopes, as a stack. A macro remembers the scope in which it was defined, so that nothing
// below it may go before the rendering ends.
class Scopes {
 public:
  Scope& New(Scope* outer) { return scopes_.emplace_back(outer); }
  // Somebody keeps a reference to one of the scopes.
  void Pin() { pinned_ = scopes_.size(); }

  // Ends the scopes that were made while it lived, but for the pinned ones.
  class Mark {
   public:
    explicit Mark(Scopes& scopes) : scopes_(scopes), size_(scopes.scopes_.size()) {}
    Mark(const Mark&) = delete;
    Mark& operator=(const Mark&) = delete;
    ~Mark() {
      const size_t size = std::max(size_, scopes_.pinned_);
      while (scopes_.scopes_.size() > size) scopes_.scopes_.pop_back();
    }

   private:
    Scopes& scopes_;
    size_t size_;
  };

 private:
  std::deque<Scope> scopes_;
  size_t pinned_ = 0;
};

}  // namespace hearth::serving
