#include "runtime/serving/template/expression_parser.h"

#include <charconv>
#include <utility>

namespace hearth::serving {
namespace {

using Kind = Token::Kind;

constexpr int kMaxDepth = 100;
// Operators, look-ups and filters that hang on each other: a chain is a tree as high as it is long.
constexpr int kMaxLinks = 1000;

template <typename Node>
ExpressionPtr Make(int line, Node node) {
  auto expression = std::make_unique<Expression>();
  expression->line = line;
  expression->node = std::move(node);
  return expression;
}

}  // namespace

// One level of recursion, as long as the object lives.
class ExpressionParser::Level {
 public:
  explicit Level(ExpressionParser& parser) : parser_(parser) { ++parser_.depth_; }
  Level(const Level&) = delete;
  Level& operator=(const Level&) = delete;
  ~Level() { --parser_.depth_; }
  Status Check() const {
    if (parser_.depth_ <= kMaxDepth) return {};
    return MakeError(ErrorCode::kResourceExhausted, "line ", parser_.tokens_.Peek().line,
                     ": the expression nests deeper than ", kMaxDepth);
  }

 private:
  ExpressionParser& parser_;
};

Status ExpressionParser::Link() {
  if (++links_ <= kMaxLinks) return {};
  return MakeError(ErrorCode::kResourceExhausted, "line ", tokens_.Peek().line,
                   ": the expression has more than ", kMaxLinks, " operators");
}

Result<ExpressionPtr> ExpressionParser::ParseTuple(bool allow_conditional) {
  const int line = tokens_.Peek().line;
  HEARTH_TRY(ExpressionPtr first, ParseConditional(allow_conditional));
  if (!tokens_.IsOperator(",")) return first;
  ListNode tuple;
  tuple.is_tuple = true;
  tuple.items.push_back(std::move(first));
  while (tokens_.TakeOperator(",")) {
    const Kind kind = tokens_.Peek().kind;
    if (kind == Kind::kOutputEnd || kind == Kind::kStatementEnd || tokens_.IsOperator(")")) break;
    HEARTH_TRY(ExpressionPtr item, ParseConditional(allow_conditional));
    tuple.items.push_back(std::move(item));
  }
  return Make(line, std::move(tuple));
}

Result<ExpressionPtr> ExpressionParser::ParseConditional(bool allow_conditional) {
  const Level level(*this);
  HEARTH_CHECK_OK(level.Check());
  HEARTH_TRY(ExpressionPtr value, ParseOr());
  while (allow_conditional && tokens_.IsName("if")) {
    const int line = tokens_.Next().line;
    HEARTH_CHECK_OK(Link());
    ConditionalNode node;
    HEARTH_TRY(node.condition, ParseOr());
    if (tokens_.TakeName("else")) {
      HEARTH_TRY(node.otherwise, ParseConditional(true));
    }
    node.then = std::move(value);
    value = Make(line, std::move(node));
  }
  return value;
}

Result<ExpressionPtr> ExpressionParser::ParseOr() {
  HEARTH_TRY(ExpressionPtr left, ParseAnd());
  while (tokens_.IsName("or")) {
    const int line = tokens_.Next().line;
    HEARTH_CHECK_OK(Link());
    HEARTH_TRY(ExpressionPtr right, ParseAnd());
    left = Make(line, LogicNode{false, std::move(left), std::move(right)});
  }
  return left;
}

Result<ExpressionPtr> ExpressionParser::ParseAnd() {
  HEARTH_TRY(ExpressionPtr left, ParseNot());
  while (tokens_.IsName("and")) {
    const int line = tokens_.Next().line;
    HEARTH_CHECK_OK(Link());
    HEARTH_TRY(ExpressionPtr right, ParseNot());
    left = Make(line, LogicNode{true, std::move(left), std::move(right)});
  }
  return left;
}

Result<ExpressionPtr> ExpressionParser::ParseNot() {
  if (!tokens_.IsName("not")) return ParseCompare();
  const Level level(*this);
  HEARTH_CHECK_OK(level.Check());
  const int line = tokens_.Next().line;
  HEARTH_TRY(ExpressionPtr operand, ParseNot());
  return Make(line, UnaryNode{UnaryOperator::kNot, std::move(operand)});
}

std::optional<CompareOperator> ExpressionParser::TakeCompareOperator() {
  static constexpr std::pair<std::string_view, CompareOperator> kOperators[] = {
      {"==", CompareOperator::kEqual},  {"!=", CompareOperator::kNotEqual},
      {"<", CompareOperator::kLess},    {"<=", CompareOperator::kLessEqual},
      {">", CompareOperator::kGreater}, {">=", CompareOperator::kGreaterEqual}};
  for (const auto& [text, op] : kOperators) {
    if (tokens_.TakeOperator(text)) return op;
  }
  if (tokens_.TakeName("in")) return CompareOperator::kIn;
  const Token& next = tokens_.Peek(1);
  if (tokens_.IsName("not") && next.kind == Kind::kName && next.text == "in") {
    tokens_.Next();
    tokens_.Next();
    return CompareOperator::kNotIn;
  }
  return std::nullopt;
}

Result<ExpressionPtr> ExpressionParser::ParseCompare() {
  const int line = tokens_.Peek().line;
  HEARTH_TRY(ExpressionPtr first, ParseSum());
  CompareNode node;
  while (const auto op = TakeCompareOperator()) {
    HEARTH_TRY(ExpressionPtr next, ParseSum());
    node.rest.emplace_back(*op, std::move(next));
  }
  if (node.rest.empty()) return first;
  node.first = std::move(first);
  return Make(line, std::move(node));
}

Result<ExpressionPtr> ExpressionParser::ParseSum() {
  HEARTH_TRY(ExpressionPtr left, ParseConcat());
  while (tokens_.IsOperator("+") || tokens_.IsOperator("-")) {
    const Token& token = tokens_.Next();
    const auto op = token.text == "+" ? BinaryOperator::kAdd : BinaryOperator::kSubtract;
    const int line = token.line;
    HEARTH_CHECK_OK(Link());
    HEARTH_TRY(ExpressionPtr right, ParseConcat());
    left = Make(line, BinaryNode{op, std::move(left), std::move(right)});
  }
  return left;
}

Result<ExpressionPtr> ExpressionParser::ParseConcat() {
  const int line = tokens_.Peek().line;
  HEARTH_TRY(ExpressionPtr first, ParseProduct());
  if (!tokens_.IsOperator("~")) return first;
  ConcatNode node;
  node.parts.push_back(std::move(first));
  while (tokens_.TakeOperator("~")) {
    HEARTH_TRY(ExpressionPtr part, ParseProduct());
    node.parts.push_back(std::move(part));
  }
  return Make(line, std::move(node));
}

Result<ExpressionPtr> ExpressionParser::ParseProduct() {
  static constexpr std::pair<std::string_view, BinaryOperator> kOperators[] = {
      {"*", BinaryOperator::kMultiply},
      {"/", BinaryOperator::kDivide},
      {"//", BinaryOperator::kFloorDivide},
      {"%", BinaryOperator::kModulo}};
  HEARTH_TRY(ExpressionPtr left, ParsePower());
  while (true) {
    std::optional<BinaryOperator> op;
    const int line = tokens_.Peek().line;
    for (const auto& [text, candidate] : kOperators) {
      if (!op && tokens_.TakeOperator(text)) op = candidate;
    }
    if (!op) return left;
    HEARTH_CHECK_OK(Link());
    HEARTH_TRY(ExpressionPtr right, ParsePower());
    left = Make(line, BinaryNode{*op, std::move(left), std::move(right)});
  }
}

Result<ExpressionPtr> ExpressionParser::ParsePower() {
  HEARTH_TRY(ExpressionPtr left, ParseUnary(true));
  while (tokens_.IsOperator("**")) {
    const int line = tokens_.Next().line;
    HEARTH_CHECK_OK(Link());
    HEARTH_TRY(ExpressionPtr right, ParseUnary(true));
    left = Make(line, BinaryNode{BinaryOperator::kPower, std::move(left), std::move(right)});
  }
  return left;
}

Result<ExpressionPtr> ExpressionParser::ParseUnary(bool with_filter) {
  const Level level(*this);
  HEARTH_CHECK_OK(level.Check());
  ExpressionPtr value;
  if (tokens_.IsOperator("-") || tokens_.IsOperator("+")) {
    const Token& token = tokens_.Next();
    const auto op = token.text == "-" ? UnaryOperator::kMinus : UnaryOperator::kPlus;
    const int line = token.line;
    HEARTH_TRY(ExpressionPtr operand, ParseUnary(false));
    value = Make(line, UnaryNode{op, std::move(operand)});
  } else {
    HEARTH_TRY(value, ParsePrimary());
  }
  HEARTH_TRY(value, ParsePostfix(std::move(value)));
  if (!with_filter) return value;
  return ParseFilterOrTest(std::move(value));
}

Result<ExpressionPtr> ExpressionParser::ParsePrimary() {
  const Token& token = tokens_.Peek();
  const int line = token.line;
  switch (token.kind) {
    case Kind::kName: {
      const std::string name = tokens_.Next().text;
      if (name == "true" || name == "True") return Make(line, Literal{Value(true)});
      if (name == "false" || name == "False") return Make(line, Literal{Value(false)});
      if (name == "none" || name == "None") return Make(line, Literal{Value()});
      return Make(line, NameNode{name});
    }
    case Kind::kString: {
      std::string text;
      while (tokens_.Peek().kind == Kind::kString) text += tokens_.Next().text;
      return Make(line, Literal{TracedString(text, Origin::kTemplate)});
    }
    case Kind::kInteger:
    case Kind::kFloat:
      return ParseNumber();
    default:
      break;
  }
  if (tokens_.IsOperator("(")) return ParseParenthesis();
  if (tokens_.IsOperator("[")) return ParseList();
  if (tokens_.IsOperator("{")) return ParseDict();
  return tokens_.Fail("an expression is expected");
}

Result<ExpressionPtr> ExpressionParser::ParseNumber() {
  const Token& token = tokens_.Peek();
  std::string_view digits = token.text;
  const char* const end = digits.data() + digits.size();
  Literal literal;
  std::from_chars_result parsed{};
  if (token.kind == Kind::kFloat) {
    double number = 0;
    parsed = std::from_chars(digits.data(), end, number);
    literal.value = number;
  } else {
    int base = 10;
    if (digits.size() > 2 && digits[0] == '0' && digits[1] > '9') {
      base = (digits[1] | 0x20) == 'x' ? 16 : (digits[1] | 0x20) == 'o' ? 8 : 2;
      digits.remove_prefix(2);
    }
    int64_t number = 0;
    parsed = std::from_chars(digits.data(), end, number, base);
    literal.value = number;
  }
  if (parsed.ec != std::errc() || parsed.ptr != end)
    return tokens_.Fail("a number of 64 bits is expected");
  const int line = tokens_.Next().line;
  return Make(line, std::move(literal));
}

Result<ExpressionPtr> ExpressionParser::ParseParenthesis() {
  const int line = tokens_.Next().line;
  if (tokens_.TakeOperator(")")) {
    ListNode empty;
    empty.is_tuple = true;
    return Make(line, std::move(empty));
  }
  HEARTH_TRY(ExpressionPtr value, ParseTuple(true));
  HEARTH_CHECK_OK(tokens_.ExpectOperator(")"));
  return value;
}

Result<ExpressionPtr> ExpressionParser::ParseList() {
  const int line = tokens_.Next().line;
  ListNode list;
  while (!tokens_.IsOperator("]")) {
    if (!list.items.empty()) HEARTH_CHECK_OK(tokens_.ExpectOperator(","));
    if (tokens_.IsOperator("]")) break;
    HEARTH_TRY(ExpressionPtr item, ParseConditional(true));
    list.items.push_back(std::move(item));
  }
  tokens_.Next();
  return Make(line, std::move(list));
}

Result<ExpressionPtr> ExpressionParser::ParseDict() {
  const int line = tokens_.Next().line;
  DictNode dict;
  while (!tokens_.IsOperator("}")) {
    if (!dict.members.empty()) HEARTH_CHECK_OK(tokens_.ExpectOperator(","));
    if (tokens_.IsOperator("}")) break;
    HEARTH_TRY(ExpressionPtr key, ParseConditional(true));
    HEARTH_CHECK_OK(tokens_.ExpectOperator(":"));
    HEARTH_TRY(ExpressionPtr value, ParseConditional(true));
    dict.members.emplace_back(std::move(key), std::move(value));
  }
  tokens_.Next();
  return Make(line, std::move(dict));
}

Result<ExpressionPtr> ExpressionParser::ParsePostfix(ExpressionPtr value) {
  while (true) {
    const int line = tokens_.Peek().line;
    if (tokens_.TakeOperator(".")) {
      HEARTH_CHECK_OK(Link());
      if (tokens_.Peek().kind == Kind::kInteger) {
        HEARTH_TRY(ExpressionPtr key, ParseNumber());
        value = Make(line, SubscriptNode{std::move(value), std::move(key)});
      } else {
        HEARTH_TRY(std::string name, tokens_.ExpectName());
        value = Make(line, AttributeNode{std::move(value), std::move(name)});
      }
    } else if (tokens_.IsOperator("[")) {
      HEARTH_CHECK_OK(Link());
      HEARTH_TRY(value, ParseSubscript(std::move(value)));
    } else if (tokens_.IsOperator("(")) {
      HEARTH_CHECK_OK(Link());
      CallNode call;
      HEARTH_TRY(call.arguments, ParseArguments());
      call.callee = std::move(value);
      value = Make(line, std::move(call));
    } else {
      return value;
    }
  }
}

Result<ExpressionPtr> ExpressionParser::ParseSubscript(ExpressionPtr object) {
  const int line = tokens_.Next().line;
  const auto at_bound_end = [&] { return tokens_.IsOperator(":") || tokens_.IsOperator("]"); };
  ExpressionPtr start;
  if (!at_bound_end()) {
    HEARTH_TRY(start, ParseTuple(true));
  }
  if (tokens_.TakeOperator("]")) {
    if (start == nullptr) return tokens_.Fail("a key is expected before");
    return Make(line, SubscriptNode{std::move(object), std::move(start)});
  }
  SliceNode slice;
  slice.object = std::move(object);
  slice.start = std::move(start);
  HEARTH_CHECK_OK(tokens_.ExpectOperator(":"));
  if (!at_bound_end()) {
    HEARTH_TRY(slice.stop, ParseConditional(true));
  }
  if (tokens_.TakeOperator(":") && !at_bound_end()) {
    HEARTH_TRY(slice.step, ParseConditional(true));
  }
  HEARTH_CHECK_OK(tokens_.ExpectOperator("]"));
  return Make(line, std::move(slice));
}

Result<std::vector<ArgumentNode>> ExpressionParser::ParseArguments() {
  HEARTH_CHECK_OK(tokens_.ExpectOperator("("));
  std::vector<ArgumentNode> arguments;
  while (!tokens_.IsOperator(")")) {
    if (!arguments.empty()) HEARTH_CHECK_OK(tokens_.ExpectOperator(","));
    if (tokens_.IsOperator(")")) break;
    ArgumentNode argument;
    if (tokens_.TakeOperator("**")) {
      argument.kind = ArgumentNode::Kind::kSpreadNamed;
    } else if (tokens_.TakeOperator("*")) {
      argument.kind = ArgumentNode::Kind::kSpread;
    } else if (tokens_.Peek().kind == Kind::kName && tokens_.Peek(1).kind == Kind::kOperator &&
               tokens_.Peek(1).text == "=") {
      argument.kind = ArgumentNode::Kind::kNamed;
      argument.name = tokens_.Next().text;
      tokens_.Next();
    }
    HEARTH_TRY(argument.value, ParseConditional(true));
    arguments.push_back(std::move(argument));
  }
  tokens_.Next();
  return arguments;
}

Result<FilterNode> ExpressionParser::ParseFilter() {
  FilterNode filter;
  HEARTH_TRY(filter.name, tokens_.ExpectName());
  filter.filter = FindFilter(filter.name);
  if (filter.filter == nullptr) return tokens_.Fail("there is no filter '", filter.name, "'");
  if (tokens_.IsOperator("(")) {
    HEARTH_TRY(filter.arguments, ParseArguments());
  }
  return filter;
}

Result<std::vector<FilterNode>> ExpressionParser::ParseFilters() {
  std::vector<FilterNode> filters;
  do {
    HEARTH_TRY(FilterNode filter, ParseFilter());
    filters.push_back(std::move(filter));
  } while (tokens_.TakeOperator("|"));
  return filters;
}

Result<ExpressionPtr> ExpressionParser::ParseFilterOrTest(ExpressionPtr value) {
  while (true) {
    const int line = tokens_.Peek().line;
    if (tokens_.TakeOperator("|")) {
      HEARTH_CHECK_OK(Link());
      HEARTH_TRY(FilterNode filter, ParseFilter());
      filter.input = std::move(value);
      value = Make(line, std::move(filter));
    } else if (tokens_.TakeName("is")) {
      HEARTH_CHECK_OK(Link());
      HEARTH_TRY(value, ParseTest(std::move(value)));
    } else if (tokens_.IsOperator("(")) {
      HEARTH_TRY(value, ParsePostfix(std::move(value)));
    } else {
      return value;
    }
  }
}

Result<ExpressionPtr> ExpressionParser::ParseTest(ExpressionPtr input) {
  const int line = tokens_.Peek().line;
  TestNode test;
  test.input = std::move(input);
  test.negated = tokens_.TakeName("not");
  HEARTH_TRY(test.name, tokens_.ExpectName());
  test.test = FindTest(test.name);
  if (test.test == nullptr) return tokens_.Fail("there is no test '", test.name, "'");
  const Token& next = tokens_.Peek();
  const bool is_word = next.kind == Kind::kName && next.text != "else" && next.text != "or" &&
                       next.text != "and" && next.text != "if" && next.text != "is";
  if (tokens_.IsOperator("(")) {
    HEARTH_TRY(test.arguments, ParseArguments());
  } else if (is_word || next.kind == Kind::kString || next.kind == Kind::kInteger ||
             next.kind == Kind::kFloat || tokens_.IsOperator("[") || tokens_.IsOperator("{")) {
    ArgumentNode argument;
    HEARTH_TRY(ExpressionPtr primary, ParsePrimary());
    HEARTH_TRY(argument.value, ParsePostfix(std::move(primary)));
    test.arguments.push_back(std::move(argument));
  }
  return Make(line, std::move(test));
}

}  // namespace hearth::serving
