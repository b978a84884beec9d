// The public sets beside the repository, where they are at hand: ../shared, or HEARTH_SHARED.
#pragma once

#include <cstdlib>
#include <filesystem>

namespace hearth::grammar {

inline std::filesystem::path SharedGrammar() {
  const char* set = std::getenv("HEARTH_SHARED");
  return std::filesystem::path(set != nullptr ? set : HEARTH_SOURCE_DIR "/../shared") / "grammar";
}
// ./test --slow asks for the long forms of tests.
inline bool SlowTests() {
  const char* slow = std::getenv("HEARTH_SLOW");
  return slow != nullptr && *slow == '1';
}

}  // namespace hearth::grammar
