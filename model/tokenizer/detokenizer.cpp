#include <utility>

#include "model/tokenizer.h"
#include "model/tokenizer/utf8.h"

namespace hearth::model {

std::string Detokenizer::Push(TokenId id) {
  if (tokenizer_.IsControl(id) && !with_special_) return {};
  std::string_view bytes = tokenizer_.bytes(id);
  if (first_ && tokenizer_.hides_first_space() && bytes.starts_with(' ')) bytes.remove_prefix(1);
  first_ = false;
  pending_ += bytes;

  std::string shown;
  std::string_view rest = pending_;
  while (!rest.empty()) {
    const Utf8Step step = DecodeUtf8(rest);
    if (step.kind == Utf8Step::Kind::kUnfinished) break;
    shown +=
        step.kind == Utf8Step::Kind::kInvalid ? kReplacementCharacter : rest.substr(0, step.length);
    rest.remove_prefix(step.length);
  }
  pending_.erase(0, pending_.size() - rest.size());
  return shown;
}

std::string Detokenizer::Flush() {
  return std::exchange(pending_, {}).empty() ? std::string() : std::string(kReplacementCharacter);
}

}  // namespace hearth::model
