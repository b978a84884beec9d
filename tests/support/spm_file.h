// SpmFile: a GGUF file with nothing but a SentencePiece vocabulary, for tests.
#pragma once

#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "model/gguf.h"
#include "model/tokenizer.h"
#include "tests/support/gguf_bytes.h"

namespace hearth::test {

// <unk> <s> </s>, the bytes, then `pieces` with falling scores, so that earlier ones merge first.
struct SpmFile {
  std::vector<std::string> pieces;
  std::vector<std::pair<std::string, model::TokenKind>> more = {};
  bool has_bytes = true;
  bool adds_space = true;
  std::string name = "test";

  Result<std::shared_ptr<const model::Tokenizer>> Create() const {
    using model::TokenKind;
    std::vector<std::pair<std::string, TokenKind>> tokens = {{"<unk>", TokenKind::kUnknown},
                                                             {"<s>", TokenKind::kControl},
                                                             {"</s>", TokenKind::kControl}};
    for (int b = 0; has_bytes && b < 256; ++b) {
      char text[8];
      std::snprintf(text, sizeof(text), "<0x%02X>", static_cast<unsigned>(b & 255));
      tokens.push_back({text, TokenKind::kByte});
    }
    for (const std::string& piece : pieces) tokens.push_back({piece, TokenKind::kNormal});
    tokens.insert(tokens.end(), more.begin(), more.end());
    GgufBytes out;
    out.Head(0, 6)
        .Key("tokenizer.ggml.model", 8)
        .String("llama")
        .Key("general.name", 8)
        .String(name);
    out.Key("tokenizer.ggml.add_space_prefix", 7).Put(static_cast<uint8_t>(adds_space));
    out.Array("tokenizer.ggml.tokens", 8, tokens.size());
    for (const auto& token : tokens) out.String(token.first);
    out.Array("tokenizer.ggml.scores", 6, tokens.size());
    for (size_t i = 0; i < tokens.size(); ++i) out.Put(-static_cast<float>(i));
    out.Array("tokenizer.ggml.token_type", 5, tokens.size());
    for (const auto& token : tokens) out.Put(static_cast<int32_t>(token.second));
    HEARTH_TRY(const auto file,
               model::GgufFile::Parse(std::as_bytes(std::span(out.text())), "test.gguf"));
    return model::Tokenizer::Create(*file);
  }
};

}  // namespace hearth::test
