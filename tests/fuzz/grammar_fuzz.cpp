// room: grammars
// Foreign bytes as a schema (JSON text), as a pattern, as a vocabulary file and as text to be
// matched; what matched must be taken back by a rollback, and a mask must agree with Accept.
#include <cstdint>
#include <string>
#include <string_view>

#include "grammars/inspect.h"
#include "grammars/json_schema.h"
#include "grammars/matcher.h"
#include "tests/fuzz/mask_walk.h"
#include "tests/grammars/small_vocabulary.h"

using namespace hearth::grammar;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1 || size > 4096) return 0;
  const std::string_view all(reinterpret_cast<const char*>(data) + 1, size - 1);
  const size_t split = all.find('\0');
  const std::string_view head = all.substr(0, split);
  const std::string_view tail = split == std::string_view::npos ? "" : all.substr(split + 1);
  if (data[0] % 4 == 0) {
    (void)Vocabulary::ParseGvoc(all).ok();
    return 0;
  }
  if (data[0] % 4 == 1) {
    (void)HandleInspectRequest(all, SmallVocabulary());
    return 0;
  }
  std::string schema(head);
  if (data[0] % 4 == 2) {
    nlohmann::ordered_json pattern = {{"type", "string"}, {"pattern", std::string(head)}};
    schema = pattern.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  }
  const auto grammar = CompileJsonSchemaText(schema);
  if (!grammar) return 0;
  Matcher matcher(*grammar, SmallVocabulary());
  WalkMasks(matcher, tail.substr(0, 64));
  matcher.Rollback(matcher.steps());
  if (matcher.steps() != 0) __builtin_trap();
  return 0;
}
