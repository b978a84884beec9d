// MergeTable: which two adjacent symbols become one, and how early. An open-addressing hash table.
//
// Filled once, then const; a look-up touches one cache line most of the time.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "runtime/base/core/token_set.h"

namespace hearth::model {

class MergeTable {
 public:
  struct Merge {
    uint32_t rank = 0;  // lower merges first
    TokenId result = -1;
  };

  explicit MergeTable(size_t merges) : cells_(std::bit_ceil(merges * 2 + 1)) {}

  // The first entry for a pair stays. At most as many inserts as the constructor was told.
  void Insert(TokenId left, TokenId right, Merge merge) {
    Cell& cell = cells_[Locate(Key(left, right))];
    if (cell.key == kEmpty) cell = {Key(left, right), merge};
  }

  const Merge* Find(TokenId left, TokenId right) const {
    const Cell& cell = cells_[Locate(Key(left, right))];
    return cell.key == kEmpty ? nullptr : &cell.merge;
  }

 private:
  static constexpr uint64_t kEmpty = ~uint64_t{0};
  struct Cell {
    uint64_t key = kEmpty;
    Merge merge;
  };

  // Ids are not negative, so that no key is kEmpty.
  static uint64_t Key(TokenId left, TokenId right) {
    return static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 | static_cast<uint32_t>(right);
  }

  size_t Locate(uint64_t key) const {
    const size_t mask = cells_.size() - 1;
    size_t at = static_cast<size_t>((key * 0x9e3779b97f4a7c15u) >> 32) & mask;
    while (cells_[at].key != key && cells_[at].key != kEmpty) at = (at + 1) & mask;
    return at;
  }

  std::vector<Cell> cells_;
};

}  // namespace hearth::model
