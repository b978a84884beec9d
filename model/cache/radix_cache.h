// RadixCache: the KV that is there, by the tokens that it was computed from.
//
// A tree whose nodes hold one block of KV each; a path from the root spells the beginning of a
// sequence. Blocks of a sequence enter it as they are filled, so that another with the same
// beginning shares them while the first is still being read; what a sequence leaves behind stays
// until its memory is wanted. After: Zheng et al., "SGLang: Efficient Execution of Structured
// Language Model Programs", 2024.
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
  RadixCache(BlockAllocator& allocator, KvStorage& storage)
      : allocator_(allocator), storage_(storage) {}
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
    uint32_t tokens = 0;       // in full blocks
    uint32_t held_blocks = 0;  // of these, held by other sequences too: sharing them takes no room
  };
  Known Find(Salt salt, std::span<const TokenId> tokens) const;

  // `computed` tokens have their KV in the table. Puts known blocks of `tokens` there and returns
  // how many tokens are covered then: `computed`, or more.
  uint32_t Share(Salt salt, std::span<const TokenId> tokens, uint32_t computed, BlockTable& table);
  // Goes on within a block: where a known block begins with the next tokens, copies it. To be
  // called behind Share. Takes a block where the table has none for this place and one is free.
  uint32_t CopyTail(Salt salt, std::span<const TokenId> tokens, uint32_t computed,
                    BlockTable& table);

  // Lets the block go that was used longest ago, of those that no sequence holds and nothing goes
  // on from; false where there is none.
  bool EvictOne();
  // How many blocks EvictOne could free, one after another. O(blocks).
  uint32_t evictable() const;
  size_t blocks() const { return by_use_.size(); }

 private:
  struct Node {
    Node* parent = nullptr;
    std::array<TokenId, kBlockTokens> tokens{};
    uint32_t count = 0;  // fewer than kBlockTokens: what an ended sequence left; it has no children
    BlockId block = -1;
    std::vector<std::unique_ptr<Node>> children;
    std::list<Node*>::iterator use;
  };
  struct Match {
    Node* node = nullptr;
    uint32_t tokens = 0;  // equal ones at its beginning
  };

  Node* Root(Salt salt);
  // The child that agrees longest with the beginning of `tokens`.
  static Match Longest(const Node& node, std::span<const TokenId> tokens);
  // Walks along full blocks; `visit(i, node)` hears each. Returns the last.
  template <typename Visit>
  static Node* Walk(Node* root, std::span<const TokenId> tokens, Visit visit);
  Node* Add(Node& parent, std::span<const TokenId> tokens, BlockId block);
  void Remove(Node& node);
  // Marks the path as used. A parent comes to stand before its children, so the last in line is
  // a leaf as a rule.
  void Touch(Node* node);

  BlockAllocator& allocator_;
  KvStorage& storage_;
  std::map<Salt, Node> roots_;
  std::list<Node*> by_use_;  // the latest first
};

}  // namespace hearth::model
