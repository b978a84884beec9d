// JSON as text: checking it, walking it and writing it without building documents.
//
// A message is checked once, in one pass over its bytes; what passed is then walked by functions
// that trust it. So a tool call costs a few hundred nanoseconds and no allocation until its
// arguments are wanted as a Json, and a large string in it is looked at eight bytes at a time.
//
// After RFC 8259 and RFC 3629. A lone surrogate written as \uD800 is let through and becomes
// U+FFFD: hosts cut texts in the middle of a character, and a refused line would be a request
// without an answer.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "runtime/base/core/result.h"
#include "runtime/base/json.h"

namespace hearth::mcp {

inline constexpr int kMaxJsonDepth = 64;

// Checks that the text is one JSON value, white space around it allowed. kInvalidArgument names the
// byte at fault; kResourceExhausted: arrays and objects nested deeper than kMaxJsonDepth. Linear in
// the text, uses no stack and no heap.
Status CheckJson(std::string_view text);

// ---- Of text that CheckJson has passed ----

std::string_view TrimJson(std::string_view text);

// Walks the members of an object: while (reader.Next()) look at reader.name() and reader.value().
class JsonObjectReader {
 public:
  explicit JsonObjectReader(std::string_view object);
  bool Next();
  // Without its quotes, escapes as written.
  std::string_view name() const { return name_; }
  // The value's own text.
  std::string_view value() const { return value_; }

 private:
  const char* at_;
  const char* end_;
  std::string_view name_;
  std::string_view value_;
};

// Walks the elements of an array.
class JsonArrayReader {
 public:
  explicit JsonArrayReader(std::string_view array);
  bool Next();
  std::string_view value() const { return value_; }

 private:
  const char* at_;
  const char* end_;
  std::string_view value_;
};

// The first member of that name, or empty where `object` is no object or lacks it.
std::string_view FindJsonMember(std::string_view object, std::string_view name);

inline bool IsJsonObject(std::string_view text) { return !text.empty() && text.front() == '{'; }
inline bool IsJsonArray(std::string_view text) { return !text.empty() && text.front() == '['; }
inline bool IsJsonString(std::string_view text) { return !text.empty() && text.front() == '"'; }

// What a string's text means; the text has its quotes.
std::string DecodeJsonString(std::string_view text);

// The document. kInvalidArgument: a number beyond a double, a name that occurs twice in an object;
// kResourceExhausted: more than `max_values` values.
Result<Json> ToJson(std::string_view text, size_t max_values = 200'000);

// ---- Writing; never a line break, always UTF-8 (what is not becomes U+FFFD) ----

void AppendJsonString(std::string& out, std::string_view text);
void AppendJson(std::string& out, const Json& value);
std::string WriteJson(const Json& value);

}  // namespace hearth::mcp
