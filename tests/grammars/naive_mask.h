// The mask as its definition says it: each token in turn, byte by byte, without trie, tables or
// memory.
#pragma once

#include <vector>

#include "grammars/matcher.h"

namespace hearth::grammar {

inline std::vector<bool> NaiveMask(const Matcher& matcher, const Vocabulary& vocabulary) {
  std::vector<bool> allowed(vocabulary.size());
  Matcher probe = matcher;
  for (size_t i = 0; i < vocabulary.size(); ++i) {
    const auto id = static_cast<TokenId>(i);
    if (vocabulary.IsText(id)) {
      allowed[i] = probe.AcceptBytes(vocabulary.Bytes(id));
    } else {
      allowed[i] = probe.Accept(id);
    }
    if (allowed[i]) probe.Rollback(1);
  }
  return allowed;
}

}  // namespace hearth::grammar
