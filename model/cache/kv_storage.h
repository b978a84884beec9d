// KvStorage: the memory behind block ids. A backend makes it; the cache and the engine only say
// which block is copied where.
#pragma once

#include "model/cache/block_table.h"

namespace hearth::model {

// Keys and values of every layer. Belongs to the thread that runs the backend.
class KvStorage {
 public:
  virtual ~KvStorage() = default;
  // Overwrites `to` with what `from` holds, all positions and layers. Called between passes.
  virtual void CopyBlock(BlockId from, BlockId to) = 0;
};

}  // namespace hearth::model
