// ArgumentSchema: checks a tool call's arguments, and tells a model what to write instead.
//
// The part of JSON Schema that tool schemas use: type (one or several), enum and const of scalars,
// properties, required, additionalProperties, items, minimum, maximum, exclusiveMinimum,
// exclusiveMaximum, minLength, maxLength (in code points), minItems, maxItems, format "date";
// title, description, default, examples, deprecated, $schema and $comment say nothing about
// validity. As in our task tools a boolean is no integer and 1.0 is no integer either.
#pragma once

#include <memory>

#include "runtime/base/core/result.h"
#include "runtime/base/json.h"

namespace hearth::tools {

// Immutable and cheap to copy; thread-safe.
class ArgumentSchema {
 public:
  // kUnsupported for a keyword that is not listed above, kInvalidArgument for one with a senseless
  // value; the message names the place in the schema. What passes is enforced completely.
  static Result<ArgumentSchema> Compile(const Json& schema);

  // kInvalidArgument with one sentence for each fault, five at most: which argument, what it must
  // be, what it was. Costs (schema size x value size) at worst and recurses as deep as the schema
  // (32).
  Status Validate(const Json& value) const;

 private:
  struct Node;
  class Compiler;
  class Checker;
  explicit ArgumentSchema(std::shared_ptr<const Node> root) : root_(std::move(root)) {}

  std::shared_ptr<const Node> root_;
};

}  // namespace hearth::tools
