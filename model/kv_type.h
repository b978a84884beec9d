// KvType: how keys and values are stored in the KV cache.
#pragma once

#include <cstdint>

namespace hearth::model {

enum class KvType : uint8_t { kF32, kF16 };

}  // namespace hearth::model
