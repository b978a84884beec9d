// ArgumentTypes: what the schema of a tool's parameters says about the type of each argument.
//
// Families that write values without quotes leave open whether 10 is a number; the schema decides,
// through $ref, allOf, anyOf, oneOf, enum and const. The schema must outlive it.
#pragma once

#include <string>
#include <string_view>

#include "runtime/base/json.h"

namespace hearth::serving {

enum TypeBit : unsigned {
  kNullType = 1,
  kBooleanType = 2,
  kNumberType = 4,
  kStringType = 8,
  kArrayType = 16,
  kObjectType = 32,
  kAnyType = 63,
};

class ArgumentTypes {
 public:
  // `parameters` may be null: then nothing is known.
  explicit ArgumentTypes(const Json* parameters) : root_(parameters) {}

  // The types that the argument may have; all of them where the schema does not say.
  unsigned Of(std::string_view argument) const;
  // The types that a schema inside the parameters admits.
  unsigned Admits(const Json& schema, int depth = 0) const;
  // What "$ref": "#/…" means; null where there is nothing.
  const Json* Resolve(std::string_view reference) const;

 private:
  const Json* root_;
};

// A value written raw, as JSON text: what is not a string by its types is taken as JSON (or as
// Python's True, False, None) where it is that, else as a string.
std::string ValueFromText(std::string_view text, unsigned types);

// The inside of a JSON string that spells the bytes.
void AppendEscaped(std::string_view bytes, std::string& out);

}  // namespace hearth::serving
