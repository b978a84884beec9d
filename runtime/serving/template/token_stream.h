// TokenStream: the parser's place in a list of tokens.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/base/core/result.h"
#include "runtime/serving/template/token.h"

namespace hearth::serving {

class TokenStream {
 public:
  explicit TokenStream(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  const Token& Peek(size_t ahead = 0) const {
    return tokens_[std::min(at_ + ahead, tokens_.size() - 1)];
  }
  // Stays at kEnd.
  const Token& Next() {
    const Token& token = Peek();
    if (at_ + 1 < tokens_.size()) ++at_;
    return token;
  }

  bool Is(Token::Kind kind, std::string_view text) const {
    return Peek().kind == kind && Peek().text == text;
  }
  bool IsOperator(std::string_view text) const { return Is(Token::Kind::kOperator, text); }
  bool IsName(std::string_view text) const { return Is(Token::Kind::kName, text); }
  bool TakeOperator(std::string_view text) { return IsOperator(text) && (Next(), true); }
  bool TakeName(std::string_view text) { return IsName(text) && (Next(), true); }

  Status ExpectOperator(std::string_view text) {
    if (!TakeOperator(text)) return Fail("'", text, "' is expected");
    return {};
  }
  Status Expect(Token::Kind kind, std::string_view what) {
    if (Peek().kind != kind) return Fail(what, " is expected");
    Next();
    return {};
  }
  Result<std::string> ExpectName() {
    if (Peek().kind != Token::Kind::kName) return Fail("a name is expected");
    return Next().text;
  }

  // "line 3: WHAT, not 'found'".
  template <typename... Args>
  Error Fail(const Args&... what) const {
    return MakeError(ErrorCode::kInvalidArgument, "line ", Peek().line, ": ", what..., ", not ",
                     Found());
  }

 private:
  std::string Found() const {
    switch (Peek().kind) {
      case Token::Kind::kText:
        return "text";
      case Token::Kind::kOutputBegin:
        return "{{";
      case Token::Kind::kOutputEnd:
        return "}}";
      case Token::Kind::kStatementBegin:
        return "{%";
      case Token::Kind::kStatementEnd:
        return "%}";
      case Token::Kind::kEnd:
        return "the end of the template";
      default:
        return "'" + Peek().text.substr(0, 40) + "'";
    }
  }

  std::vector<Token> tokens_;  // the last is kEnd
  size_t at_ = 0;
};

}  // namespace hearth::serving
