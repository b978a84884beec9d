#include "memory/trust.h"

namespace hearth::memory {

const char* ToString(Trust trust) { return trust == Trust::kTrusted ? "trusted" : "untrusted"; }

std::optional<Trust> ParseTrust(std::string_view text) {
  for (const Trust trust : {Trust::kTrusted, Trust::kUntrusted}) {
    if (text == ToString(trust)) return trust;
  }
  return std::nullopt;
}

}  // namespace hearth::memory
