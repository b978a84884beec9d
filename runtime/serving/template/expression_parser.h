// ExpressionParser: the expressions of Jinja, by recursive descent.
#pragma once

#include <optional>
#include <vector>

#include "runtime/base/core/result.h"
#include "runtime/serving/template/ast.h"
#include "runtime/serving/template/token_stream.h"

namespace hearth::serving {

class ExpressionParser {
 public:
  explicit ExpressionParser(TokenStream& tokens) : tokens_(tokens) {}

  Result<ExpressionPtr> Parse() { return ParseConditional(true); }
  // a, b, c without parentheses is a tuple. Where `x if y else z` is not allowed, the `if` is left.
  Result<ExpressionPtr> ParseTuple(bool allow_conditional);
  Result<std::vector<ArgumentNode>> ParseArguments();
  // name(arguments) | name …, the first without a bar.
  Result<std::vector<FilterNode>> ParseFilters();

 private:
  class Level;

  Status Link();

  Result<ExpressionPtr> ParseConditional(bool allow_conditional);
  Result<ExpressionPtr> ParseOr();
  Result<ExpressionPtr> ParseAnd();
  Result<ExpressionPtr> ParseNot();
  Result<ExpressionPtr> ParseCompare();
  std::optional<CompareOperator> TakeCompareOperator();
  Result<ExpressionPtr> ParseSum();
  Result<ExpressionPtr> ParseConcat();
  Result<ExpressionPtr> ParseProduct();
  Result<ExpressionPtr> ParsePower();
  Result<ExpressionPtr> ParseUnary(bool with_filter);
  Result<ExpressionPtr> ParsePrimary();
  Result<ExpressionPtr> ParseNumber();
  Result<ExpressionPtr> ParsePostfix(ExpressionPtr value);
  Result<ExpressionPtr> ParseFilterOrTest(ExpressionPtr value);
  Result<ExpressionPtr> ParseParenthesis();
  Result<ExpressionPtr> ParseList();
  Result<ExpressionPtr> ParseDict();
  Result<ExpressionPtr> ParseSubscript(ExpressionPtr object);
  Result<FilterNode> ParseFilter();
  Result<ExpressionPtr> ParseTest(ExpressionPtr input);

  TokenStream& tokens_;
  int depth_ = 0;
  int links_ = 0;
};

}  // namespace hearth::serving
