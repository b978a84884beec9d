// VocabularyFile: a GGUF file with nothing but a tokenizer, for tests.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "model/gguf.h"
#include "model/tokenizer.h"
#include "tests/support/gguf_bytes.h"

namespace hearth::test {

struct VocabularyFile {
  std::vector<std::pair<std::string, model::TokenKind>> tokens;
  std::vector<std::string> merges;
  std::string pre = "gpt-2";
  GgufBytes more = {};  // further pairs, already encoded
  uint64_t more_pairs = 0;

  GgufBytes Bytes() const {
    GgufBytes out;
    out.Head(0, 5 + more_pairs);
    out.Key("tokenizer.ggml.model", 8).String("gpt2");
    out.Key("tokenizer.ggml.pre", 8).String(pre);
    out.Array("tokenizer.ggml.tokens", 8, tokens.size());
    for (const auto& token : tokens) out.String(token.first);
    out.Array("tokenizer.ggml.token_type", 5, tokens.size());
    for (const auto& token : tokens) out.Put(static_cast<int32_t>(token.second));
    out.Array("tokenizer.ggml.merges", 8, merges.size());
    for (const std::string& merge : merges) out.String(merge);
    return out.Raw(more.text());
  }

  Result<std::shared_ptr<const model::Tokenizer>> Create() const {
    const GgufBytes bytes = Bytes();
    HEARTH_TRY(const auto file,
               model::GgufFile::Parse(std::as_bytes(std::span(bytes.text())), "test.gguf"));
    return model::Tokenizer::Create(*file);
  }
};

}  // namespace hearth::test
