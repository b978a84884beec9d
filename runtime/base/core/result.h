// Result<T>: a value, or an Error that says what was wrong, where, and what to do about it.
//
// Everything that a user, a file, a network peer or a model can cause is returned as an Error;
// asserts are for broken invariants alone. Header-only, standard library alone, so that every room
// may use it.
#pragma once

#include <cassert>
#include <sstream>
#include <string>
#include <utility>
#include <variant>

namespace hearth {

// Where a failure came from; callers map it to an exit status, an HTTP status or a JSON-RPC code.
enum class ErrorCode {
  kInvalidArgument,    // the caller's input is malformed or out of range
  kNotFound,           // the named thing does not exist
  kUnsupported,        // well-formed, but this build does not do it
  kResourceExhausted,  // a limit (memory, steps, depth, time) was reached
  kCancelled,          // the caller asked to stop
  kIo,                 // the operating system failed us
  kConflict,           // the state of the store does not allow it
  kInternal,           // our own fault
};

struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;
};

// Concatenates anything that has an ostream operator.
template <typename... Args>
std::string Concat(const Args&... args) {
  std::ostringstream out;
  (out << ... << args);
  return std::move(out).str();
}

template <typename... Args>
Error MakeError(ErrorCode code, const Args&... args) {
  return Error{code, Concat(args...)};
}

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value)
      : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT: implicit by design
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }
  T& value() & {
    assert(ok());
    return std::get<0>(state_);
  }
  const T& value() const& {
    assert(ok());
    return std::get<0>(state_);
  }
  // By value: what a loop over *f() ranges over must outlive the temporary.
  T value() && {
    assert(ok());
    return std::get<0>(std::move(state_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  const Error& error() const {
    assert(!ok());
    return std::get<1>(state_);
  }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)), ok_(false) {}  // NOLINT: implicit by design
  bool ok() const { return ok_; }
  explicit operator bool() const { return ok_; }
  const Error& error() const {
    assert(!ok_);
    return error_;
  }

 private:
  Error error_;
  bool ok_ = true;
};

using Status = Result<void>;

// HEARTH_TRY(auto x, Call()): x = the value, or return the error from the enclosing function.
#define HEARTH_CONCAT_INNER_(a, b) a##b
#define HEARTH_CONCAT_(a, b) HEARTH_CONCAT_INNER_(a, b)
#define HEARTH_TRY_IMPL_(tmp, decl, expr) \
  auto tmp = (expr);                      \
  if (!tmp.ok()) return tmp.error();      \
  decl = std::move(tmp).value()
#define HEARTH_TRY(decl, expr) HEARTH_TRY_IMPL_(HEARTH_CONCAT_(hearth_try_, __LINE__), decl, expr)
// HEARTH_CHECK_OK(Call()): returns the error, if there is one.
#define HEARTH_CHECK_OK(expr)                                \
  do {                                                       \
    auto hearth_status_ = (expr);                            \
    if (!hearth_status_.ok()) return hearth_status_.error(); \
  } while (false)

}  // namespace hearth
