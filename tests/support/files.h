// Files that tests read: golden data in the tree, and larger sets that lie beside it on some
// machines.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace hearth::test {

inline std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

inline std::filesystem::path Golden(const std::string& name) {
  return std::filesystem::path(HEARTH_SOURCE_DIR) / "tests/golden" / name;
}

// $HEARTH_SHARED/NAME, or shared/NAME beside the repository; empty where there is none.
inline std::filesystem::path Shared(const std::string& name) {
  const char* const root = std::getenv("HEARTH_SHARED");
  const auto path = (root != nullptr ? std::filesystem::path(root)
                                     : std::filesystem::path(HEARTH_SOURCE_DIR) / "../shared") /
                    name;
  return std::filesystem::exists(path) ? path : std::filesystem::path();
}

// ./test --slow asks for the long forms of tests.
inline bool Slow() {
  const char* const slow = std::getenv("HEARTH_SLOW");
  return slow != nullptr && *slow == '1';
}

// The small real model, by $HEARTH_TEST_MODEL or where `hearth` keeps models; empty where there is
// none.
inline std::filesystem::path TestModel() {
  if (const char* const chosen = std::getenv("HEARTH_TEST_MODEL")) return chosen;
  const char* const data = std::getenv("XDG_DATA_HOME");
  const char* const home = std::getenv("HOME");
  const std::filesystem::path root = data != nullptr ? std::filesystem::path(data)
                                     : home != nullptr
                                         ? std::filesystem::path(home) / ".local/share"
                                         : std::filesystem::path();
  const auto path = root / "hearth/models/SmolLM2-135M-Instruct.Q4_1.gguf";
  return std::filesystem::exists(path) ? path : std::filesystem::path();
}

}  // namespace hearth::test
