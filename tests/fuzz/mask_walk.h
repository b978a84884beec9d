// What holds for every matcher, whatever grammar it came from.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "grammars/matcher.h"

namespace hearth::grammar {

// Each byte as a token: an exact mask agrees with Accept, and what is forced can be taken.
inline void WalkMasks(Matcher& matcher, std::string_view bytes) {
  for (const char c : bytes) {
    TokenSet set;
    if (!matcher.FillMask(set).ok()) break;
    const auto id = static_cast<TokenId>(static_cast<uint8_t>(c));
    const bool allowed = set.Contains(id);
    if (matcher.mask_is_exact() && allowed != matcher.Accept(id)) __builtin_trap();
    if (!allowed) continue;
    const std::string forced = matcher.ForcedBytes(32);
    if (!matcher.AcceptBytes(forced)) __builtin_trap();
    matcher.Rollback(1);
  }
}

}  // namespace hearth::grammar
