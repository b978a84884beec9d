// Tokenizer: text to token ids and back, by the vocabulary and the rules that a GGUF file holds.
//
// Thread-safety: const after Create. Encode costs O(n log n) in the bytes of the text.
// Control tokens can be told from data: text encoded with parse_special = false never becomes a
// control token, whatever it spells.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/gguf.h"
#include "runtime/base/core/result.h"
#include "runtime/base/core/token_set.h"

namespace hearth::model {

enum class TokenKind : uint8_t {
  kNormal = 1,
  kUnknown = 2,
  kControl = 3,
  kUserDefined = 4,
  kUnused = 5,
  kByte = 6,
};

struct EncodeOptions {
  // Control tokens that the text spells become their ids. User-defined tokens always do.
  bool parse_special = false;
  // Whether BOS / EOS are added: by the file's own wish (nullopt) or by force.
  std::optional<bool> add_bos = false;
};

// A stretch of a prompt: the template's own words (trusted) or data.
struct TextRun {
  std::string_view text;
  bool trusted = false;
};

class Tokenizer {
 public:
  static Result<std::shared_ptr<const Tokenizer>> Create(const GgufFile& file);
  virtual ~Tokenizer() = default;

  virtual std::vector<TokenId> Encode(std::string_view text,
                                      const EncodeOptions& options) const = 0;
  // Encodes the runs as the one text that they form, without BOS or EOS. Control tokens are
  // recognised only inside trusted stretches (neighbouring ones count as one): data that spells one
  // stays plain text. Words may reach over a seam.
  virtual std::vector<TokenId> EncodeRuns(std::span<const TextRun> runs) const = 0;

  size_t size() const { return kinds_.size(); }
  TokenKind kind(TokenId id) const { return kinds_[static_cast<size_t>(id)]; }
  // The bytes that a token writes; for a control token its name. Valid as long as the tokenizer.
  std::string_view bytes(TokenId id) const { return bytes_[static_cast<size_t>(id)]; }
  bool IsControl(TokenId id) const {
    return kind(id) == TokenKind::kControl || kind(id) == TokenKind::kUnknown;
  }
  // The id of a control or user-defined token by its exact name.
  std::optional<TokenId> FindSpecial(std::string_view name) const;
  std::optional<TokenId> bos() const { return bos_; }
  std::optional<TokenId> eos() const { return eos_; }
  // Tokens that end a turn: EOS, EOT, EOM and what the model's family uses besides (<|im_end|> …).
  bool IsEndOfTurn(TokenId id) const;
  const std::vector<TokenId>& end_of_turn() const { return end_of_turn_; }
  bool adds_bos() const { return adds_bos_; }
  // The first space of a text is the vocabulary's own and not shown.
  bool hides_first_space() const { return hides_first_space_; }
  // The whole text of ids. Control tokens are written only where `with_special`.
  virtual std::string Decode(std::span<const TokenId> ids, bool with_special = false) const = 0;

 protected:
  std::vector<TokenKind> kinds_;
  std::vector<std::string> bytes_;
  std::optional<TokenId> bos_, eos_;
  std::vector<TokenId> end_of_turn_;                         // ascending
  std::map<std::string, TokenId, std::less<>> special_ids_;  // by name
  bool adds_bos_ = false;
  bool hides_first_space_ = false;
};

// Turns ids into text as they come, and never emits half a UTF-8 character: bytes of an unfinished
// character wait. Not thread-safe; the tokenizer must outlive it.
class Detokenizer {
 public:
  explicit Detokenizer(const Tokenizer& tokenizer, bool with_special = false)
      : tokenizer_(tokenizer), with_special_(with_special) {}
  // What can be shown after this token (often empty in the middle of a character). Bytes that can
  // never become a character come out as U+FFFD.
  std::string Push(TokenId id);
  // What still waits, as U+FFFD.
  std::string Flush();

 private:
  const Tokenizer& tokenizer_;
  bool with_special_;
  bool first_ = true;
  std::string pending_;
};

}  // namespace hearth::model
