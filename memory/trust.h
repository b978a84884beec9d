// Trust: who a piece of text speaks for. Policy rests on these labels, never on wording.
#pragma once

#include <optional>
#include <string_view>

namespace hearth::memory {

enum class Trust {
  kTrusted,    // the system, the user, our own store's ids, enums and dates
  kUntrusted,  // anything that a stranger may have written, and all that was written under its
               // influence
};

const char* ToString(Trust trust);
std::optional<Trust> ParseTrust(std::string_view text);

// What is made of both is only as good as the worse of them.
inline Trust Combine(Trust a, Trust b) {
  return a == Trust::kUntrusted || b == Trust::kUntrusted ? Trust::kUntrusted : Trust::kTrusted;
}

}  // namespace hearth::memory
