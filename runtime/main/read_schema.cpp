#include "runtime/main/read_schema.h"

#include "grammars/json_schema.h"
#include "runtime/main/read_file.h"

namespace hearth::main {

Result<Json> ReadSchema(const std::string& path) {
  HEARTH_TRY(const std::string text, ReadFile(path));
  auto schema = ParseJson(text);
  if (!schema.ok()) return MakeError(schema.error().code, path, ": ", schema.error().message);
  const auto grammar = grammar::CompileJsonSchema(*schema);
  if (!grammar.ok()) return MakeError(grammar.error().code, path, ": ", grammar.error().message);
  return schema;
}

}  // namespace hearth::main
