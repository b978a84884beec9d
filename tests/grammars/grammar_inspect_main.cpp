// grammar_inspect [--vocab FILE.gvoc]: `hearth inspect grammar` without the rest of hearth.
#include <iostream>
#include <string>

#include "grammars/inspect.h"

int main(int argc, char** argv) {
  std::shared_ptr<const hearth::grammar::Vocabulary> vocabulary;
  for (int i = 1; i + 1 < argc; ++i) {
    if (std::string_view(argv[i]) != "--vocab") continue;
    auto read = hearth::grammar::Vocabulary::ReadGvoc(argv[i + 1]);
    if (!read) {
      std::cerr << read.error().message << "\n";
      return 1;
    }
    vocabulary = *read;
  }
  std::ios::sync_with_stdio(false);
  std::string line;
  while (std::getline(std::cin, line)) {
    std::cout << hearth::grammar::HandleInspectRequest(line, vocabulary) << std::endl;
  }
  return 0;
}
