// KvStorage: the memory behind block ids. A backend makes it; the cache and the engine only say
// which block is copied where.
//
// There may be two tiers: blocks of the device, which passes read and write, and blocks of the
// host, which hold what the device has no room for. A tier that comes behind these (files) is
// another pair of such copies.
#pragma once

#include "model/cache/block_table.h"

namespace hearth::model {

using HostBlock = int32_t;

// Keys and values of every layer. Belongs to the thread that runs the backend.
//
// Copies act in the order in which they are asked for, and in order with passes, as if each were
// made at once. When they are made is the storage's business: Save and Restore return at once, and
// a pass waits for those whose blocks it uses. A device that fails in one fails the next pass.
class KvStorage {
 public:
  virtual ~KvStorage() = default;
  // Overwrites `to` with what `from` holds, all positions and layers. Called between passes.
  virtual void CopyBlock(BlockId from, BlockId to) = 0;

  // The second tier; 0: there is none, and nothing is saved or restored.
  virtual uint32_t host_blocks() const { return 0; }
  // False where the host has no memory for `to` (taken when it is first used), nor for any block
  // that has not been used yet; nothing is copied then.
  virtual bool Save(BlockId from, HostBlock to) = 0;
  virtual void Restore(HostBlock from, BlockId to) = 0;
  // How many of the two were asked for so far, and whether the first n of them have been made: a
  // pass that uses their blocks need not wait. True where the device has failed.
  virtual uint64_t copies() const { return 0; }
  virtual bool Done(uint64_t) { return true; }
};

// Storage of a backend that runs on the host: both tiers lie in one memory, the host's behind the
// `n_blocks` of the device.
class OneMemoryKvStorage : public KvStorage {
 public:
  OneMemoryKvStorage(uint32_t n_blocks, uint32_t host_blocks)
      : n_blocks_(n_blocks), host_blocks_(host_blocks) {}
  uint32_t host_blocks() const override { return host_blocks_; }
  bool Save(BlockId from, HostBlock to) override {
    CopyBlock(from, Behind(to));
    return true;
  }
  void Restore(HostBlock from, BlockId to) override { CopyBlock(Behind(from), to); }

 private:
  BlockId Behind(HostBlock block) const { return static_cast<BlockId>(n_blocks_) + block; }
  const uint32_t n_blocks_, host_blocks_;
};

}  // namespace hearth::model
