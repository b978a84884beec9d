// Identifiers nobody can guess and no two processes share.
#pragma once

#include <span>
#include <string>

#include "runtime/base/clock.h"

namespace hearth {

// Fills `out` from the kernel's generator. Thread-safe.
void FillRandom(std::span<unsigned char> out);

// `bytes` random bytes as lower-case hexadecimal digits: tokens and session keys (16 = 128 bit).
std::string RandomHex(size_t bytes);

// A UUIDv7 (RFC 9562): milliseconds since 1970, then 74 random bits, so ids sort by creation to the
// millisecond.
std::string NewId(TimePoint now);

}  // namespace hearth
