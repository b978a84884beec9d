// KvType: how keys and values are stored in the KV cache.
#pragma once

#include <cstdint>

namespace hearth::model {

enum class KvType : uint8_t {
  kF32,
  kF16,
  kBF16,
  kQ8_0,    // bytes with a scale for each 32 elements of a head
  kF8E4M3,  // floats of 8 bits, up to 448; on GPUs alone
};

}  // namespace hearth::model
