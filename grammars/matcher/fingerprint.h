// Structural hashes: two things with equal fingerprints are taken to be equal.
//
// Masks are remembered under them across schemas and sequences of one process, so they are seeded
// with a secret drawn at start: nobody who writes schemas can aim for a collision.
#pragma once

#include <cstdint>
#include <string_view>

namespace hearth::grammar {

uint64_t FingerprintSeed();

inline uint64_t MixFingerprint(uint64_t a, uint64_t b) {
  const unsigned __int128 product = static_cast<unsigned __int128>(a ^ 0x9e3779b97f4a7c15ull) *
                                    (b ^ FingerprintSeed() ^ 0xd6e8feb86659fd93ull);
  const auto folded = static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
  return folded + (a << 17 | a >> 47) * 0xff51afd7ed558ccdull;
}

uint64_t FingerprintBytes(std::string_view bytes);

}  // namespace hearth::grammar
