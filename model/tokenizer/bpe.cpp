#include "model/tokenizer/bpe.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <queue>
#include <unordered_map>
#include <utility>

#include "model/tokenizer/byte_alphabet.h"

namespace hearth::model {
namespace {

// Two symbols that could merge, when they were seen. Stale once either has merged with another.
struct Candidate {
  uint32_t rank;
  uint32_t left;  // index of the left symbol
  TokenId left_id, right_id, result;

  bool operator>(const Candidate& other) const {
    return rank != other.rank ? rank > other.rank : left > other.left;
  }
};

struct Symbol {
  TokenId id;
  int32_t previous, next;  // indices, -1 at the ends
};

// Gives every text an id: its token's, or one beyond the vocabulary.
class SymbolIds {
 public:
  SymbolIds(std::span<const std::string> texts, std::vector<std::string>& extra)
      : vocabulary_(texts.size()), extra_(extra) {
    ids_.reserve(texts.size());
    for (size_t i = 0; i < texts.size(); ++i) {
      if (!texts[i].empty()) ids_.insert_or_assign(texts[i], static_cast<TokenId>(i));
    }
  }

  // nullopt where a text that is no token is not in the byte alphabet either.
  std::optional<TokenId> Find(std::string_view text) {
    if (const auto found = ids_.find(text); found != ids_.end()) return found->second;
    std::string key(text);
    if (const auto found = extra_ids_.find(key); found != extra_ids_.end()) return found->second;
    auto bytes = AlphabetToBytes(text);
    if (!bytes) return std::nullopt;
    const auto id = static_cast<TokenId>(vocabulary_ + extra_.size());
    extra_.push_back(*std::move(bytes));
    extra_ids_.emplace(std::move(key), id);
    return id;
  }

 private:
  size_t vocabulary_;
  std::vector<std::string>& extra_;
  std::unordered_map<std::string_view, TokenId> ids_;
  std::unordered_map<std::string, TokenId> extra_ids_;
};

}  // namespace

Result<Bpe> Bpe::Create(std::span<const std::string> texts, std::span<const std::string> merges) {
  Bpe bpe(texts.size(), merges.size());
  SymbolIds ids(texts, bpe.extra_);
  for (size_t byte = 0; byte < bpe.byte_symbols_.size(); ++byte) {
    bpe.byte_symbols_[byte] = *ids.Find(ByteToAlphabet(static_cast<uint8_t>(byte)));
  }
  std::string joined;
  for (size_t i = 0; i < merges.size(); ++i) {
    const std::string_view merge = merges[i];
    const size_t space = merge.find(' ', 1);
    if (space == std::string_view::npos || space + 1 == merge.size()) {
      return MakeError(ErrorCode::kInvalidArgument, "tokenizer.ggml.merges: merge ", i, " ('",
                       merge, "') is not two symbols with a space between");
    }
    joined.assign(merge.substr(0, space)).append(merge.substr(space + 1));
    const auto left = ids.Find(merge.substr(0, space));
    const auto right = ids.Find(merge.substr(space + 1));
    const auto result = ids.Find(joined);
    if (!left || !right || !result) {
      return MakeError(ErrorCode::kInvalidArgument, "tokenizer.ggml.merges: merge ", i, " ('",
                       merge, "') has characters that stand for no byte");
    }
    bpe.table_.Insert(*left, *right, {static_cast<uint32_t>(i), *result});
  }
  return bpe;
}

void Bpe::Encode(std::string_view word, std::vector<TokenId>& out) const {
  std::vector<Symbol> symbols;
  symbols.reserve(word.size());
  for (size_t i = 0; i < word.size(); ++i) {
    const auto index = static_cast<int32_t>(i);
    symbols.push_back({byte_symbols_[static_cast<uint8_t>(word[i])], index - 1, index + 1});
  }
  if (symbols.empty()) return;
  symbols.back().next = -1;

  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> queue;
  const auto consider = [&](int32_t left, int32_t right) {
    if (left < 0 || right < 0) return;
    const TokenId left_id = symbols[static_cast<size_t>(left)].id;
    const TokenId right_id = symbols[static_cast<size_t>(right)].id;
    if (const MergeTable::Merge* merge = table_.Find(left_id, right_id)) {
      queue.push({merge->rank, static_cast<uint32_t>(left), left_id, right_id, merge->result});
    }
  };
  for (size_t i = 1; i < symbols.size(); ++i) {
    consider(static_cast<int32_t>(i) - 1, static_cast<int32_t>(i));
  }
  while (!queue.empty()) {
    const Candidate best = queue.top();
    queue.pop();
    Symbol& left = symbols[best.left];
    if (left.id != best.left_id || left.next < 0) continue;
    Symbol& right = symbols[static_cast<size_t>(left.next)];
    if (right.id != best.right_id) continue;
    left.id = best.result;
    right.id = -1;
    left.next = right.next;
    if (left.next >= 0)
      symbols[static_cast<size_t>(left.next)].previous = static_cast<int32_t>(best.left);
    consider(left.previous, static_cast<int32_t>(best.left));
    consider(static_cast<int32_t>(best.left), left.next);
  }
  for (int32_t i = 0; i >= 0; i = symbols[static_cast<size_t>(i)].next) {
    Append(symbols[static_cast<size_t>(i)].id, out);
  }
}

void Bpe::Append(TokenId symbol, std::vector<TokenId>& out) const {
  const auto index = static_cast<size_t>(symbol);
  if (index < vocabulary_) {
    out.push_back(symbol);
    return;
  }
  for (const char byte : extra_[index - vocabulary_]) {
    const TokenId id = byte_symbols_[static_cast<uint8_t>(byte)];
    if (static_cast<size_t>(id) < vocabulary_) out.push_back(id);
  }
}

}  // namespace hearth::model
