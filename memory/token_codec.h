// Token ids as bytes: unsigned LEB128, one number a token (two bytes for most vocabularies' ids).
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/core/result.h"
#include "runtime/base/core/token_set.h"

namespace hearth::memory {

// Ids are not negative.
std::string EncodeTokens(std::span<const TokenId> ids);

// Appends to `out`. kInvalidArgument where the bytes are not what EncodeTokens writes.
Status DecodeTokens(std::string_view bytes, std::vector<TokenId>& out);

}  // namespace hearth::memory
