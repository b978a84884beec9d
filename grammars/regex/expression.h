// ExpressionStore: regular languages over Unicode scalar values as hash-consed expressions.
//
// Intersection, complement and bounded repetition are expressions like any other: a derivative
// takes a character off the front (Brzozowski 1964; Owens, Reppy and Turon 2009), so
// `[a-z]{1,100000}` is one node and its automaton exists only where somebody walks. Simplifying
// constructors keep the number of different derivatives finite and small. Equal expressions have
// equal ids.
//
// Not thread-safe; CharDfa guards the store that it owns. A store that outgrows its limit says so
// in exhausted() and answers "nothing matches" from there on, which can refuse but never wrongly
// accept.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "grammars/regex/code_point_set.h"
#include "grammars/regex/flat_map.h"

namespace hearth::grammar {

using ExprId = uint32_t;

class ExpressionStore {
 public:
  static constexpr ExprId kNone = 0;     // matches nothing
  static constexpr ExprId kEpsilon = 1;  // matches the empty string
  static constexpr ExprId kAll = 2;      // matches every string
  static constexpr uint32_t kUnbounded = UINT32_MAX;
  static constexpr size_t kMaxNodes = 400'000;

  ExpressionStore();

  ExprId Class(const CodePointSet& set);
  ExprId Char(CodePoint c) { return Class(CodePointSet(c, c)); }
  ExprId AnyChar() { return any_char_; }
  ExprId Literal(std::u32string_view text);
  // Exactly these strings, at no cost per string but the sorting.
  ExprId Literals(std::vector<std::u32string> strings);
  // The times of day of RFC 3339 that name a leap second: HH:MM:60, a fraction, and the one offset
  // on each side (or Z) that makes it 23:59:60 UTC. Arithmetic, where 2,880 alternatives would be
  // slow.
  ExprId LeapSecond();
  ExprId Concat(ExprId a, ExprId b);
  ExprId Alt(std::vector<ExprId> parts);
  ExprId And(std::vector<ExprId> parts);
  ExprId Not(ExprId a);
  ExprId Repeat(ExprId a, uint32_t min, uint32_t max);

  // The language of another store's expression.
  ExprId Import(const ExpressionStore& from, ExprId e);

  // What may follow c in a word of e.
  ExprId Derive(ExprId e, CodePoint c);
  bool Nullable(ExprId e) const { return nodes_[e].nullable; }
  // True where every string is the beginning of a word, as far as the expression's form shows it.
  bool Open(ExprId e) const { return nodes_[e].open; }
  // The one word of e, where its form shows that there is no other.
  std::optional<std::u32string> OnlyWord(ExprId e) const;
  // No word of e is shorter.
  uint32_t Shortest(ExprId e) const { return nodes_[e].shortest; }
  // Where the form of e shows the length of the shortest word of all that its derivatives lead to
  // (Shortest is then exact for them): the greatest of those lengths.
  std::optional<uint32_t> LongestWayOut(ExprId e) const;
  // If e begins with a repeated class: the class, and the most times. So many characters of it, and
  // fewer, always leave some word to go on with.
  struct Run {
    const CodePointSet* set = nullptr;
    uint32_t most = 0;
  };
  Run RunOf(ExprId e) const;
  uint64_t Hash(ExprId e) const { return nodes_[e].hash; }
  size_t size() const { return nodes_.size(); }

  // Characters that no expression reachable from the roots tells apart, as numbered classes.
  struct Partition {
    std::vector<CodePoint> bounds;    // where ranges begin, ascending from 0
    std::vector<uint32_t> class_of;   // of each range
    std::vector<CodePoint> examples;  // one character of each class
  };
  Partition PartitionOf(const std::vector<ExprId>& roots) const;
  // Searches for a word of e; `budget` bounds the work. Where it runs out the answer
  // is "not empty" and exhausted() stays false: an undetected empty language costs a dead end, no
  // more.
  // `examples`: one character of every class of e, where the caller knows them.
  bool IsEmpty(ExprId e, const std::vector<CodePoint>* examples = nullptr, size_t budget = 100'000);
  bool Matches(ExprId e, std::u32string_view text);

  bool exhausted() const { return exhausted_; }
  // Expressions visited by derivatives so far: the measure of work here.
  size_t work() const { return work_; }

 private:
  enum class Op : uint8_t {
    kNone,
    kEpsilon,
    kClass,
    kConcat,
    kAlt,
    kAnd,
    kNot,
    kRepeat,
    kLiterals,
    kLeap
  };
  struct Node {
    Op op;
    bool nullable = false;
    bool positive = true;   // free of And and Not, so not empty (constructors drop empty parts)
    bool open = false;      // some word follows whatever string
    uint32_t a = 0, b = 0;  // children; class index; literal set; span of operands_
    uint32_t low = 0, high = 0;  // repetition bounds; range of literals
    uint32_t depth = 0;          // characters of the literals already taken
    uint32_t shortest = 0;       // no word is shorter
    uint64_t hash = 0;
  };

  ExprId Intern(Node node);
  uint32_t ShortestOf(const Node& node) const;
  ExprId Nary(Op op, std::vector<ExprId> parts);
  ExprId LeapStep(const Node& node, CodePoint c);
  ExprId LiteralRange(uint32_t set, uint32_t low, uint32_t high, uint32_t depth);
  ExprId DeriveUncached(ExprId e, CodePoint c);
  std::span<const ExprId> Operands(const Node& n) const { return {&operands_[n.a], n.b}; }

  std::vector<Node> nodes_;
  std::vector<ExprId> operands_;
  std::vector<CodePointSet> classes_;
  std::vector<std::vector<std::u32string>> literal_sets_;
  std::vector<uint64_t> literal_hashes_;
  FlatMap interned_;  // by hash
  FlatMap derived_;   // by expression and character
  int derive_depth_ = 0;
  std::unordered_map<ExprId, bool> empty_;
  ExprId any_char_ = kNone;
  size_t work_ = 0;
  bool exhausted_ = false;
};

}  // namespace hearth::grammar
