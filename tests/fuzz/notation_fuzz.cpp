// room: grammars
// Foreign bytes as a grammar in each notation and as text to be matched: reading refuses or gives a
// grammar, and a mask agrees with what is accepted.
#include <cstdint>
#include <string>
#include <string_view>

#include "grammars/grammar_builder.h"
#include "grammars/matcher.h"
#include "tests/fuzz/mask_walk.h"
#include "tests/grammars/small_vocabulary.h"

using namespace hearth::grammar;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1 || size > 2048) return 0;
  const std::string_view all(reinterpret_cast<const char*>(data) + 1, size - 1);
  const size_t split = all.find('\0');
  const std::string_view head = all.substr(0, split);
  const std::string_view tail = split == std::string_view::npos ? "" : all.substr(split + 1);
  GrammarBuilder builder;
  auto part = builder.Literal("");
  switch (data[0] % 4) {
    case 0:
    case 1:
    case 2: {
      const auto read = data[0] % 4 == 0   ? builder.Gbnf(head)
                        : data[0] % 4 == 1 ? builder.Lark(head)
                                           : builder.Regex(head);
      if (!read.ok()) return 0;
      part = *read;
      break;
    }
    default: {
      const auto json = nlohmann::ordered_json::parse(head, nullptr, false);
      if (json.is_discarded()) return 0;
      const auto read = builder.StructuralTag(json, {});
      if (!read.ok()) return 0;
      part = *read;
    }
  }
  const auto grammar = std::move(builder).Build(part);
  if (!grammar.ok()) return 0;
  Matcher matcher(*grammar, SmallVocabulary());
  WalkMasks(matcher, tail.substr(0, 48));
  return 0;
}
