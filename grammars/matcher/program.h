// Program: what a CompiledGrammar consists of.
//
// A grammar is a graph of nodes; children are indices, so recursion is a cycle. Terminals are byte
// automata (literal sets, small explicit automata, JSON strings over the lazy CharDfa); objects and
// arrays are nodes that know their punctuation, so counting and key order live in their state and
// never in copies. Nothing is enumerated when a program is made.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "grammars/matcher/byte_set.h"
#include "grammars/matcher/config_set.h"
#include "grammars/regex/char_dfa.h"
#include "runtime/base/core/token_set.h"

namespace hearth::grammar {

inline constexpr uint32_t kNoLimit = UINT32_MAX;

enum class NodeKind : uint8_t {
  kNever,     // matches nothing
  kLiterals,  // one of a set of byte strings; a: literal set
  kBytes,     // a: byte automaton
  kString,    // a: string spec
  kText,      // a: string spec, whose characters stand there without quotes and escapes
  kKeys,      // the declared keys of an object; a: object spec
  kObject,    // a: object spec
  kArray,     // a: array spec
  kSequence,  // a, b: span of children
  kChoice,    // a, b: span of children
  kRepeat,    // a: child; b, c: bounds
  kToken,     // a: token id
};

struct Node {
  NodeKind kind = NodeKind::kNever;
  bool nullable = false;
  bool productive = false;  // some finite string matches
  bool has_token = false;   // a token by id may come first
  uint32_t a = 0, b = 0, c = 0;
  uint64_t hash = 0;  // of the language, structurally
  ByteSet first;
};

// Byte strings in order; where a value has several spellings they share its outcome.
struct LiteralSet {
  std::vector<std::string> entries;
  std::vector<uint32_t> outcomes;
  uint64_t hash = 0;
};

// Explicit automaton; state 0 is dead, 1 the start.
struct ByteDfa {
  std::array<uint8_t, 256> byte_class{};
  uint32_t classes = 0;
  std::vector<uint32_t> next;  // [state][class]
  std::vector<uint8_t> accepting;
  std::vector<uint8_t> closed;  // accepting, and no way on
  std::vector<ByteSet> live;
  uint64_t hash = 0;
  bool dense = false;  // most tokens match (free text): masks want a base

  uint32_t Next(uint32_t state, uint8_t byte) const {
    return next[state * classes + byte_class[byte]];
  }
  // Fills closed, live and hash from the rest.
  void Finish();
};

struct StringSpec {
  CharDfa::State start = CharDfa::kUniversal;
  // Characters. With a bound, `start` is universal or EveryLength holds from it (else the bound is
  // part of its language), and no state is further than `slack` from the end of some word.
  uint32_t min = 0, max = kNoLimit;
  uint32_t slack = 0;
  bool in_body = false;  // the opening quote was read by somebody else
};

struct ObjectSpec {
  struct Property {
    NodeIndex value = kNoNode;
    bool required = false;
  };
  struct Extra {  // keys beyond the declared ones; the languages of two extras are disjoint
    NodeIndex key = kNoNode;
    NodeIndex value = kNoNode;
  };
  std::vector<Property> properties;  // in the order of generation
  uint32_t keys = 0;                 // literal set: `name"`, outcome = index of the property
  NodeIndex keys_node = kNoNode;
  std::vector<Extra> extras;
  uint32_t min = 0, max = kNoLimit;
  bool any_order = false;
  // Filled by Program::Finish.
  std::vector<uint8_t> usable;          // the value is productive
  std::vector<uint32_t> next_required;  // from i on, the first required property
  std::vector<uint32_t> required_from;  // how many are required from i on
  std::vector<uint32_t> usable_from;
  uint64_t required_bits = 0;
  bool extras_usable = false;
  bool counted = false;  // the number of properties matters
};

struct ArraySpec {
  std::vector<NodeIndex> prefix;
  NodeIndex item = kNoNode;        // kNoNode: nothing after the prefix
  NodeIndex containing = kNoNode;  // items that count for `contains`; an item may match both
  uint32_t min = 0, max = kNoLimit;
  uint32_t min_contains = 0, max_contains = kNoLimit;
  NodeIndex not_containing = kNoNode;  // used for the others where max_contains is bounded
  std::vector<NodeIndex> unique;       // uniqueItems over these values, each at most once
};

// Whitespace between JSON tokens: any (bounded), none, or one blank after each comma and colon.
enum class Spacing : uint8_t { kAny, kNone, kBlanks };

struct Program {
  std::vector<Node> nodes;
  std::vector<NodeIndex> children;
  std::vector<LiteralSet> literals;
  std::vector<ByteDfa> automata;
  std::vector<StringSpec> strings;
  std::vector<ObjectSpec> objects;
  std::vector<ArraySpec> arrays;
  std::unique_ptr<CharDfa> chars;
  NodeIndex root = kNoNode;
  Spacing spacing = Spacing::kAny;
  bool has_tokens = false;  // some node is a token by id
  std::vector<std::string> notes;

  NodeIndex Child(const Node& n, uint32_t i) const { return children[n.a + i]; }
  size_t Bytes() const;
  // Computes every derived field (productive, nullable, first, hash, object tables) once the nodes
  // are complete.
  void Finish();
};

}  // namespace hearth::grammar
