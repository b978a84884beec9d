// Json: the document type of every room above the core, and the one way in which foreign JSON
// enters.
//
// Json keeps members in the order in which they came (schemas, tool arguments and prompts read
// better so), which makes a look-up linear in the object's size; ParseJson therefore bounds the
// members of an object. A Json value is an ordinary value: no thread may change one that another
// reads.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "runtime/base/core/result.h"

namespace hearth {

using Json = nlohmann::ordered_json;

// What a document may cost. The defaults suit a request body; a tool call's arguments get less.
struct JsonLimits {
  size_t max_bytes = size_t{32} << 20;
  int max_depth = 64;                // arrays and objects inside each other
  size_t max_values = 1'000'000;     // of all kinds, in the whole document
  size_t max_object_members = 4096;  // of one object
};

// Parses one RFC 8259 document that fills the text (a UTF-8 byte-order mark before it is skipped).
// Refused with kInvalidArgument, naming line and column: bad syntax, invalid UTF-8, lone
// surrogates, numbers beyond a double, a name that occurs twice in an object; with
// kResourceExhausted: a document over its limits. Integers outside int64/uint64 become doubles.
// Time and memory are linear in the text, n log n in an object's members; the stack used does not
// depend on the text.
Result<Json> ParseJson(std::string_view text, const JsonLimits& limits = {});

// The document's text: compact for indent < 0. Bytes that are not UTF-8 become U+FFFD; never throws
// for what a value holds.
std::string DumpJson(const Json& value, int indent = -1);

// The member's value, or null where `object` is no object or lacks it.
const Json* FindMember(const Json& object, std::string_view name);

// What a value is in JSON's own words: "null", "boolean", "integer", "number", "string", "array",
// "object".
const char* JsonTypeName(const Json& value);

}  // namespace hearth
