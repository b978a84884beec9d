#include "grammars/matcher/fingerprint.h"

#include <cstring>
#include <random>

namespace hearth::grammar {

namespace {
uint64_t DrawSeed() {
  std::random_device device;
  return (static_cast<uint64_t>(device()) << 32 | device()) | 1;
}
}  // namespace

uint64_t FingerprintSeed() {
  static const uint64_t seed = DrawSeed();
  return seed;
}

uint64_t FingerprintBytes(std::string_view bytes) {
  uint64_t hash = MixFingerprint(bytes.size(), 0x51ed27);
  while (!bytes.empty()) {
    uint64_t word = 0;
    const size_t taken = bytes.size() < 8 ? bytes.size() : 8;
    std::memcpy(&word, bytes.data(), taken);
    hash = MixFingerprint(hash, word);
    bytes.remove_prefix(taken);
  }
  return hash;
}

}  // namespace hearth::grammar
