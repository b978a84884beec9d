#include "runtime/serving/template/parser.h"

#include <initializer_list>
#include <string>
#include <utility>

#include "runtime/serving/template/expression_parser.h"
#include "runtime/serving/template/lexer.h"
#include "runtime/serving/template/token_stream.h"

namespace hearth::serving {
namespace {

using Kind = Token::Kind;
using Words = std::initializer_list<std::string_view>;

constexpr int kMaxDepth = 100;

class StatementParser {
 public:
  explicit StatementParser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  Result<Block> ParseAll() {
    HEARTH_TRY(Block block, ParseBlock({}));
    if (tokens_.Peek().kind != Kind::kEnd) {
      return tokens_.Fail("this tag opens nothing that could go on or end here");
    }
    return block;
  }

 private:
  // Statements up to {% WORD of one of the words, whose {% is taken and whose WORD is not; without
  // words up to the end.
  Result<Block> ParseBlock(Words ends) {
    if (++depth_ > kMaxDepth) {
      return MakeError(ErrorCode::kResourceExhausted, "line ", tokens_.Peek().line,
                       ": statements nest deeper than ", kMaxDepth);
    }
    Block block;
    while (true) {
      const Token& token = tokens_.Peek();
      if (token.kind == Kind::kEnd) break;
      Statement statement;
      statement.line = token.line;
      if (token.kind == Kind::kText) {
        statement.node =
            TextNode{std::make_shared<const TracedString>(token.text, Origin::kTemplate)};
        tokens_.Next();
      } else if (token.kind == Kind::kOutputBegin) {
        tokens_.Next();
        OutputNode output;
        HEARTH_TRY(output.value, ExpressionParser(tokens_).ParseTuple(true));
        HEARTH_CHECK_OK(tokens_.Expect(Kind::kOutputEnd, "}}"));
        statement.node = std::move(output);
      } else {
        tokens_.Next();
        for (const std::string_view end : ends) {
          if (!tokens_.IsName(end)) continue;
          --depth_;
          return block;
        }
        if (tokens_.IsName("generation")) {
          HEARTH_CHECK_OK(ParseGeneration(block));
          continue;
        }
        HEARTH_CHECK_OK(ParseStatement(statement));
      }
      block.push_back(std::move(statement));
    }
    if (ends.size() != 0) return tokens_.Fail("{% ", *(ends.end() - 1), " %} is expected");
    --depth_;
    return block;
  }

  Status EndTag() { return tokens_.Expect(Kind::kStatementEnd, "%}"); }

  // The block of a tag that ends with `end`, and that end.
  Result<Block> ParseBody(std::string_view end) {
    HEARTH_CHECK_OK(EndTag());
    HEARTH_TRY(Block body, ParseBlock({end}));
    tokens_.Next();
    HEARTH_CHECK_OK(EndTag());
    return body;
  }

  // Marks what the model wrote, for training. Here it is only its content.
  Status ParseGeneration(Block& block) {
    tokens_.Next();
    HEARTH_TRY(Block body, ParseBody("endgeneration"));
    for (Statement& statement : body) block.push_back(std::move(statement));
    return {};
  }

  Status ParseStatement(Statement& statement) {
    if (tokens_.TakeName("if")) return ParseIf(statement);
    if (tokens_.TakeName("for")) return ParseFor(statement);
    if (tokens_.TakeName("set")) return ParseSet(statement);
    if (tokens_.TakeName("macro")) return ParseMacro(statement);
    if (tokens_.TakeName("call")) return ParseCall(statement);
    if (tokens_.TakeName("filter")) return ParseFilter(statement);
    if (tokens_.TakeName("with")) return ParseWith(statement);
    if (tokens_.IsName("break") || tokens_.IsName("continue")) return ParseJump(statement);
    return tokens_.Fail(
        "a statement of chat templates is expected (if, for, set, macro, call, filter, with)");
  }

  Status ParseIf(Statement& statement) {
    IfNode node;
    while (true) {
      IfNode::Branch branch;
      HEARTH_TRY(branch.condition, ExpressionParser(tokens_).ParseTuple(false));
      HEARTH_CHECK_OK(EndTag());
      HEARTH_TRY(branch.body, ParseBlock({"elif", "else", "endif"}));
      node.branches.push_back(std::move(branch));
      if (!tokens_.TakeName("elif")) break;
    }
    if (tokens_.TakeName("else")) {
      IfNode::Branch last;
      HEARTH_CHECK_OK(EndTag());
      HEARTH_TRY(last.body, ParseBlock({"endif"}));
      node.branches.push_back(std::move(last));
    }
    tokens_.Next();
    statement.node = std::move(node);
    return EndTag();
  }

  Status ParseFor(Statement& statement) {
    ForNode node;
    HEARTH_TRY(node.target, ParseTarget());
    if (!tokens_.TakeName("in")) return tokens_.Fail("'in' is expected");
    HEARTH_TRY(node.iterable, ExpressionParser(tokens_).ParseTuple(false));
    if (tokens_.TakeName("if")) {
      HEARTH_TRY(node.condition, ExpressionParser(tokens_).Parse());
    }
    node.is_recursive = tokens_.TakeName("recursive");
    HEARTH_CHECK_OK(EndTag());
    ++loops_;
    HEARTH_TRY(node.body, ParseBlock({"else", "endfor"}));
    --loops_;
    if (tokens_.TakeName("else")) {
      HEARTH_CHECK_OK(EndTag());
      HEARTH_TRY(node.otherwise, ParseBlock({"endfor"}));
    }
    tokens_.Next();
    statement.node = std::move(node);
    return EndTag();
  }

  Result<Target> ParseOneTarget() {
    Target target;
    if (tokens_.TakeOperator("(")) {
      HEARTH_TRY(target, ParseTarget());
      HEARTH_CHECK_OK(tokens_.ExpectOperator(")"));
      return target;
    }
    HEARTH_TRY(target.name, tokens_.ExpectName());
    if (tokens_.TakeOperator(".")) {
      HEARTH_TRY(target.attribute, tokens_.ExpectName());
    }
    return target;
  }

  Result<Target> ParseTarget() {
    if (++depth_ > kMaxDepth) {
      return MakeError(ErrorCode::kResourceExhausted, "line ", tokens_.Peek().line,
                       ": the names to assign to nest deeper than ", kMaxDepth);
    }
    HEARTH_TRY(Target first, ParseOneTarget());
    if (tokens_.IsOperator(",")) {
      Target tuple;
      tuple.elements.push_back(std::move(first));
      while (tokens_.TakeOperator(",")) {
        if (tokens_.Peek().kind != Kind::kName && !tokens_.IsOperator("(")) break;
        HEARTH_TRY(Target next, ParseOneTarget());
        tuple.elements.push_back(std::move(next));
      }
      first = std::move(tuple);
    }
    --depth_;
    return first;
  }

  Status ParseSet(Statement& statement) {
    HEARTH_TRY(Target target, ParseTarget());
    if (tokens_.TakeOperator("=")) {
      SetNode node;
      node.target = std::move(target);
      HEARTH_TRY(node.value, ExpressionParser(tokens_).ParseTuple(true));
      statement.node = std::move(node);
      return EndTag();
    }
    SetBlockNode node;
    node.target = std::move(target);
    if (tokens_.TakeOperator("|")) {
      HEARTH_TRY(node.filters, ExpressionParser(tokens_).ParseFilters());
    }
    HEARTH_TRY(node.body, ParseBody("endset"));
    statement.node = std::move(node);
    return {};
  }

  Result<std::vector<Parameter>> ParseParameters() {
    HEARTH_CHECK_OK(tokens_.ExpectOperator("("));
    std::vector<Parameter> parameters;
    while (!tokens_.IsOperator(")")) {
      if (!parameters.empty()) HEARTH_CHECK_OK(tokens_.ExpectOperator(","));
      if (tokens_.IsOperator(")")) break;
      Parameter parameter;
      HEARTH_TRY(parameter.name, tokens_.ExpectName());
      if (tokens_.TakeOperator("=")) {
        HEARTH_TRY(parameter.fallback, ExpressionParser(tokens_).Parse());
      }
      parameters.push_back(std::move(parameter));
    }
    tokens_.Next();
    return parameters;
  }

  // A macro's body is no part of the loop around it.
  Result<Block> ParseMacroBody(std::string_view end) {
    const int loops = std::exchange(loops_, 0);
    HEARTH_TRY(Block body, ParseBody(end));
    loops_ = loops;
    return body;
  }

  Status ParseMacro(Statement& statement) {
    MacroNode macro;
    HEARTH_TRY(macro.name, tokens_.ExpectName());
    HEARTH_TRY(macro.parameters, ParseParameters());
    HEARTH_TRY(macro.body, ParseMacroBody("endmacro"));
    statement.node = std::make_shared<const MacroNode>(std::move(macro));
    return {};
  }

  Status ParseCall(Statement& statement) {
    auto caller = std::make_shared<MacroNode>();
    caller->name = "caller";
    if (tokens_.IsOperator("(")) {
      HEARTH_TRY(caller->parameters, ParseParameters());
    }
    CallBlockNode node;
    HEARTH_TRY(node.call, ExpressionParser(tokens_).Parse());
    if (!std::holds_alternative<CallNode>(node.call->node)) {
      return tokens_.Fail("a call is expected before");
    }
    HEARTH_TRY(caller->body, ParseMacroBody("endcall"));
    node.caller = std::move(caller);
    statement.node = std::move(node);
    return {};
  }

  Status ParseFilter(Statement& statement) {
    FilterBlockNode node;
    HEARTH_TRY(node.filters, ExpressionParser(tokens_).ParseFilters());
    HEARTH_TRY(node.body, ParseBody("endfilter"));
    statement.node = std::move(node);
    return {};
  }

  Status ParseWith(Statement& statement) {
    WithNode node;
    while (tokens_.Peek().kind != Kind::kStatementEnd) {
      if (!node.assignments.empty()) HEARTH_CHECK_OK(tokens_.ExpectOperator(","));
      HEARTH_TRY(Target target, ParseOneTarget());
      HEARTH_CHECK_OK(tokens_.ExpectOperator("="));
      HEARTH_TRY(ExpressionPtr value, ExpressionParser(tokens_).Parse());
      node.assignments.emplace_back(std::move(target), std::move(value));
    }
    HEARTH_TRY(node.body, ParseBody("endwith"));
    statement.node = std::move(node);
    return {};
  }

  Status ParseJump(Statement& statement) {
    if (loops_ == 0) return tokens_.Fail("a statement that needs no loop is expected");
    if (tokens_.Next().text == "break") {
      statement.node = BreakNode{};
    } else {
      statement.node = ContinueNode{};
    }
    return EndTag();
  }

  TokenStream tokens_;
  int depth_ = 0;
  int loops_ = 0;  // around the place, within the macro
};

}  // namespace

Result<Block> ParseTemplate(std::string_view source) {
  HEARTH_TRY(std::vector<Token> tokens, LexTemplate(source));
  return StatementParser(std::move(tokens)).ParseAll();
}

}  // namespace hearth::serving
