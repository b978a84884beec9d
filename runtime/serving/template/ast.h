// The tree of a parsed template. Immutable once parsed, and shared by all renderings.
//
// Trees are shallow: the parser refuses expressions and statements that nest deeper than its limit,
// so that neither evaluation nor destruction can exhaust the stack.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "runtime/serving/template/filters.h"
#include "runtime/serving/template/value.h"
#include "runtime/serving/template/value_tests.h"

namespace hearth::serving {

struct Expression;
using ExpressionPtr = std::unique_ptr<const Expression>;

// An argument of a call: by position, by name, or spread (* and **).
struct ArgumentNode {
  enum class Kind : uint8_t { kPositional, kNamed, kSpread, kSpreadNamed };
  Kind kind = Kind::kPositional;
  std::string name;
  ExpressionPtr value;
};

struct Literal {
  Value value;  // a constant or a string
};
struct NameNode {
  std::string name;
};
struct ListNode {
  std::vector<ExpressionPtr> items;
  bool is_tuple = false;
};
struct DictNode {
  std::vector<std::pair<ExpressionPtr, ExpressionPtr>> members;
};
enum class UnaryOperator : uint8_t { kNot, kMinus, kPlus };
struct UnaryNode {
  UnaryOperator op;
  ExpressionPtr operand;
};
enum class BinaryOperator : uint8_t {
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kFloorDivide,
  kModulo,
  kPower
};
struct BinaryNode {
  BinaryOperator op;
  ExpressionPtr left, right;
};
struct LogicNode {
  bool is_and;
  ExpressionPtr left, right;
};
enum class CompareOperator : uint8_t {
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kIn,
  kNotIn
};
// a < b <= c: each pair is compared, the first that fails ends it.
struct CompareNode {
  ExpressionPtr first;
  std::vector<std::pair<CompareOperator, ExpressionPtr>> rest;
};
struct ConcatNode {
  std::vector<ExpressionPtr> parts;
};
struct ConditionalNode {
  ExpressionPtr condition, then, otherwise;  // otherwise may be null
};
struct AttributeNode {
  ExpressionPtr object;
  std::string name;
};
struct SubscriptNode {
  ExpressionPtr object, key;
};
struct SliceNode {
  ExpressionPtr object, start, stop, step;  // all but object may be null
};
struct CallNode {
  ExpressionPtr callee;
  std::vector<ArgumentNode> arguments;
};
struct FilterNode {
  ExpressionPtr input;  // null: the body of a block
  FilterFunction filter;
  std::string name;
  std::vector<ArgumentNode> arguments;
};
struct TestNode {
  ExpressionPtr input;
  TestFunction test;
  std::string name;
  bool negated = false;
  std::vector<ArgumentNode> arguments;
};

struct Expression {
  int line = 0;
  std::variant<Literal, NameNode, ListNode, DictNode, UnaryNode, BinaryNode, LogicNode, CompareNode,
               ConcatNode, ConditionalNode, AttributeNode, SubscriptNode, SliceNode, CallNode,
               FilterNode, TestNode>
      node;
};

struct Statement;
using Block = std::vector<Statement>;

// What can be assigned to: a name, an attribute of a namespace, or several of them.
struct Target {
  std::string name;
  std::string attribute;         // where not empty, name.attribute
  std::vector<Target> elements;  // where not empty, the value is unpacked
};

struct TextNode {
  StringPtr text;
};
struct OutputNode {
  ExpressionPtr value;
};
struct IfNode {
  struct Branch {
    ExpressionPtr condition;  // null: else
    Block body;
  };
  std::vector<Branch> branches;
};
struct ForNode {
  Target target;
  ExpressionPtr iterable, condition;  // condition may be null
  bool is_recursive = false;
  Block body, otherwise;
};
struct SetNode {
  Target target;
  ExpressionPtr value;
};
struct SetBlockNode {
  Target target;
  std::vector<FilterNode> filters;
  Block body;
};
struct Parameter {
  std::string name;
  ExpressionPtr fallback;  // may be null
};
struct MacroNode {
  std::string name;
  std::vector<Parameter> parameters;
  Block body;
};
struct CallBlockNode {
  ExpressionPtr call;  // a CallNode
  std::shared_ptr<const MacroNode> caller;
};
struct FilterBlockNode {
  std::vector<FilterNode> filters;
  Block body;
};
struct WithNode {
  std::vector<std::pair<Target, ExpressionPtr>> assignments;
  Block body;
};
struct BreakNode {};
struct ContinueNode {};

struct Statement {
  int line = 0;
  std::variant<TextNode, OutputNode, IfNode, ForNode, SetNode, SetBlockNode,
               std::shared_ptr<const MacroNode>, CallBlockNode, FilterBlockNode, WithNode,
               BreakNode, ContinueNode>
      node;
};

}  // namespace hearth::serving
