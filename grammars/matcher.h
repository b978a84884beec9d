// Matcher: where one sequence stands in a grammar, and which tokens may come next.
//
// Belongs to one sequence; not thread-safe, but any number of matchers share a CompiledGrammar and
// a Vocabulary. Copying is cheap (it copies the history of states, not the grammar) and gives an
// independent matcher: that is a fork. No input makes it abort: what the grammar does not allow is
// answered by false and changes nothing.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "grammars/compiled_grammar.h"
#include "grammars/vocabulary.h"
#include "runtime/base/core/result.h"
#include "runtime/base/core/token_set.h"

namespace hearth::grammar {

class MatcherState;  // matcher/matcher_state.h

// BitmaskBuffer: masks as one bit per token, for callers that want them so.
//
// Consecutive masks of a text differ in few tokens, so the buffer keeps a full mask for "few may
// come" and one for "inside a free string" and changes only what differs: some 50 ns instead of
// writing all of it. Serves one vocabulary at a time, any number of matchers; not thread-safe.
class BitmaskBuffer {
 public:
  // The tokens of `set` as bits: valid until the next Write, `words` words long.
  std::span<const uint32_t> Write(const TokenSet& set, size_t words);

 private:
  struct Kept {
    std::vector<uint32_t> bits;
    std::vector<TokenId> added;      // beyond the base
    const uint32_t* base = nullptr;  // which base the bits hold, by address and id
    uint32_t base_id = 0;
  };
  Kept sparse_, based_;
};

class Matcher {
 public:
  // `vocabulary` may be null: then only bytes can be accepted.
  Matcher(std::shared_ptr<const CompiledGrammar> grammar,
          std::shared_ptr<const Vocabulary> vocabulary);
  ~Matcher();
  Matcher(const Matcher& other);
  Matcher(Matcher&& other) noexcept;
  Matcher& operator=(Matcher other) noexcept;

  // The tokens that may come next, in the cheapest form; end tokens are in it where the text may
  // end. The view is valid until the next call that changes this matcher, or the next FillMask.
  // Costs a look-up where any sequence of the process was in an equal state before. Error: no token
  // can continue (the vocabulary cannot spell what the grammar wants).
  Status FillMask(TokenSet& out);
  // The same as a bit per token; `out` has vocabulary.mask_words() words.
  Status FillBitmask(std::span<uint32_t> out);
  // The same in a buffer that keeps what it can; the view is valid until the buffer's next use.
  Result<std::span<const uint32_t>> FillBitmask(BitmaskBuffer& buffer);
  // False after a FillMask whose computation outran its budget: the set then holds every token that
  // is allowed and some that are not, and Accept decides.
  bool mask_is_exact() const;

  // One token: text, a special token that the grammar names, or an end token where the text may
  // end.
  bool Accept(TokenId token);
  // The same by bytes; one step of history.
  bool AcceptBytes(std::string_view bytes);
  // Takes back the last n steps (all of them, where there are fewer).
  void Rollback(size_t n);
  size_t steps() const;

  // How many tokens of the draft could be accepted in order; changes nothing.
  size_t AllowedPrefix(std::span<const TokenId> draft);
  // The longest byte string that must come next, at most `limit` bytes; changes nothing.
  std::string ForcedBytes(size_t limit = 4096);
  // True if the text may end here.
  bool CanEnd();
  // True after an end token was accepted.
  bool ended() const;

  const CompiledGrammar& grammar() const;

 private:
  std::unique_ptr<MatcherState> state_;
};

}  // namespace hearth::grammar
