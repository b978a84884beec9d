// RadixCache: the KV that is there, by the tokens that it was computed from.
//
// A tree whose nodes hold one block of KV each; a path from the root spells the beginning of a
// sequence. Blocks of a sequence enter it as they are filled, so that another with the same
// beginning shares them while the first is still being read; what a sequence leaves behind stays
// until its memory is wanted. After: Zheng et al., "SGLang: Efficient Execution of Structured
// Language Model Programs", 2024.
//
// Where the storage has a second tier, what leaves the device goes there and comes back when it is
// shared. A node is on the device, on the host, or on both:
// - below a node that is on the host alone nothing is on the device;
// - what came back keeps its copy on the host, so that it leaves again without being copied, until
//   another wants that place;
// - a place on the host is taken first from those never used or given back, then from such copies,
//   then from the leaf that was used longest ago of those on the host alone, which is then lost.
//
// KV depends on more than tokens (an adapter): a salt keeps apart what must not be mixed.
//
// Not thread-safe. A look-up costs O(tokens), and O(children) where many texts part.
#pragma once

#include <array>
#include <list>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "model/cache/kv_storage.h"
#include "runtime/base/core/token_set.h"

namespace hearth::model {

class RadixCache {
 public:
  using Salt = uint64_t;

  // Both must outlive it.
  RadixCache(BlockAllocator& allocator, KvStorage& storage);
  ~RadixCache();
  RadixCache(const RadixCache&) = delete;
  RadixCache& operator=(const RadixCache&) = delete;

  // Makes known the blocks of `table` that `tokens`, whose KV lies there, fill. Where equal blocks
  // are known already the table takes those and lets its own go.
  void Insert(Salt salt, std::span<const TokenId> tokens, BlockTable& table);
  // The same for a sequence that writes no more: its last block, filled in part, is kept too.
  void InsertEnded(Salt salt, std::span<const TokenId> tokens, BlockTable& table);

  // What a sequence of these tokens would share.
  struct Known {
    uint32_t tokens = 0;       // in full blocks, of both tiers
    uint32_t held_blocks = 0;  // of these, held by other sequences too: sharing them takes no room
  };
  Known Find(Salt salt, std::span<const TokenId> tokens) const;

  // `computed` tokens have their KV in the table. Puts known blocks of `tokens` there and returns
  // how many tokens are covered then: `computed`, or more. Brings back those that are on the host,
  // for which others may leave the device, as long as there is room.
  uint32_t Share(Salt salt, std::span<const TokenId> tokens, uint32_t computed, BlockTable& table);
  // Goes on within a block: where a known block begins with the next tokens, copies it. To be
  // called behind Share. Takes a block where the table has none for this place and one is free.
  // What it copies may be on either tier.
  uint32_t CopyTail(Salt salt, std::span<const TokenId> tokens, uint32_t computed,
                    BlockTable& table);

  // Lets the block of the device go that was used longest ago, of those that no sequence holds and
  // nothing on the device goes on from; false where there is none. What it held goes to the host.
  bool EvictOne();
  // How many blocks EvictOne could free, one after another. O(blocks).
  uint32_t evictable() const;
  size_t blocks() const { return by_use_.size(); }           // on the device
  size_t spilled_blocks() const { return spilled_.size(); }  // on the host alone

  // Blocks so far that left the device for the host, that came back from there, and whose text was
  // forgotten because there was no room for it.
  struct Counts {
    uint64_t spilled = 0, restored = 0, lost = 0;
  };
  const Counts& counts() const { return counts_; }
  // Places on the host that there may be, fewer once the host had no memory for one, and of these,
  // that hold something.
  uint32_t host_blocks() const { return static_cast<uint32_t>(host_end_); }
  uint32_t host_blocks_used() const {
    return static_cast<uint32_t>(next_host_) - static_cast<uint32_t>(free_host_.size());
  }
  // Copies between the tiers asked for so far, and whether the first n are made; see KvStorage.
  uint64_t copies() const { return storage_.copies(); }
  bool Arrived(uint64_t copies) { return storage_.Done(copies); }

 private:
  struct Node {
    Node* parent = nullptr;
    std::array<TokenId, kBlockTokens> tokens{};
    uint32_t count = 0;  // fewer than kBlockTokens: what an ended sequence left; it has no children
    BlockId block = -1;  // at least one of the two is there
    HostBlock host = -1;
    std::vector<std::unique_ptr<Node>> children;
    std::list<Node*>::iterator use;   // in by_use_, or in spilled_
    std::list<Node*>::iterator copy;  // in copied_, where it is on both

    bool spilled() const { return block < 0; }
  };
  struct Match {
    Node* node = nullptr;
    uint32_t tokens = 0;  // equal ones at its beginning
  };

  Node* Root(Salt salt);
  // The child that agrees longest with the beginning of `tokens`.
  static Match Longest(const Node& node, std::span<const TokenId> tokens);
  // Walks along full blocks until `visit(i, node)` gives false. Returns the last where it did not.
  template <typename Visit>
  static Node* Walk(Node* root, std::span<const TokenId> tokens, Visit visit);
  void TakeShare(Node& node, size_t i, BlockTable& table);
  Node* Add(Node& parent, std::span<const TokenId> tokens, BlockId block);
  void Remove(Node& node);
  // From the device to the host; false where there is no place. From the host to `block`, of which
  // the caller gives its share. From the host to a free block; false where none can be had.
  bool Spill(Node& node);
  void Return(Node& node, BlockId block);
  bool Restore(Node& node);
  // A place on the host, or -1; a leaf may be lost for it.
  HostBlock TakeHostBlock();
  // Marks the path as used. A parent comes to stand before its children, so the last in line is
  // a leaf as a rule.
  void Touch(Node* node);

  BlockAllocator& allocator_;
  KvStorage& storage_;
  std::map<Salt, Node> roots_;
  std::list<Node*> by_use_;           // those on the device, the latest first
  std::list<Node*> spilled_;          // those on the host alone, likewise
  std::list<Node*> copied_;           // those on both: who came back longest ago first
  std::vector<HostBlock> free_host_;  // given back
  HostBlock next_host_ = 0;           // the first that was never used
  HostBlock host_end_;
  Counts counts_;
};

}  // namespace hearth::model
