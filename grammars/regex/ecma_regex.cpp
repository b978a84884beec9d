#include "grammars/regex/ecma_regex.h"

#include <memory>
#include <optional>

#include "grammars/regex/unicode.h"

namespace hearth::grammar {

namespace {

constexpr size_t kMaxPattern = 20'000;
constexpr int kMaxNesting = 200;
constexpr uint32_t kMaxUnrolledAnchors = 4;

struct Tree {
  enum class Kind { kEmpty, kClass, kConcat, kAlt, kRepeat, kCaret, kDollar, kAhead, kNotAhead };
  Kind kind = Kind::kEmpty;
  CodePointSet set;
  std::vector<std::unique_ptr<Tree>> parts;
  uint32_t min = 0, max = 0;
  bool plain = true;  // free of anchors and look-ahead: a language by itself
};
using TreePtr = std::unique_ptr<Tree>;

TreePtr MakeTree(Tree::Kind kind) {
  auto tree = std::make_unique<Tree>();
  tree->kind = kind;
  tree->plain = kind < Tree::Kind::kCaret;
  return tree;
}

class Parser {
 public:
  explicit Parser(std::u32string text) : text_(std::move(text)) {}

  Result<TreePtr> Parse() {
    HEARTH_TRY(TreePtr tree, ParseAlternatives());
    if (at_ < text_.size()) return Fail("unmatched ')'");
    return tree;
  }

 private:
  Error Fail(std::string_view what) const {
    return MakeError(ErrorCode::kUnsupported, "pattern: ", what, " at character ", at_);
  }
  bool Done() const { return at_ >= text_.size(); }
  bool Take(char32_t c) {
    if (Done() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool TakeText(std::u32string_view s) {
    if (std::u32string_view(text_).substr(at_, s.size()) != s) return false;
    at_ += s.size();
    return true;
  }

  Result<TreePtr> ParseAlternatives() {
    if (++nesting_ > kMaxNesting) return Fail("groups nested too deeply");
    auto alternatives = MakeTree(Tree::Kind::kAlt);
    do {
      auto sequence = MakeTree(Tree::Kind::kConcat);
      while (!Done() && text_[at_] != '|' && text_[at_] != ')') {
        HEARTH_TRY(TreePtr item, ParseItem());
        sequence->plain = sequence->plain && item->plain;
        sequence->parts.push_back(std::move(item));
      }
      alternatives->plain = alternatives->plain && sequence->plain;
      alternatives->parts.push_back(std::move(sequence));
    } while (Take('|'));
    --nesting_;
    return alternatives;
  }

  Result<TreePtr> ParseItem() {
    TreePtr atom;
    if (Take('^')) {
      atom = MakeTree(Tree::Kind::kCaret);
    } else if (Take('$')) {
      atom = MakeTree(Tree::Kind::kDollar);
    } else if (Take('(')) {
      HEARTH_TRY(atom, ParseGroup());
    } else if (Take('.')) {
      CodePointSet ends('\n', '\n');
      ends.Add('\r', '\r');
      ends.Add(0x2028, 0x2029);
      atom = Class(ends.Complement());
    } else if (Take('[')) {
      HEARTH_TRY(CodePointSet set, ParseClass());
      atom = Class(std::move(set));
    } else if (Take('\\')) {
      HEARTH_TRY(CodePointSet set, ParseEscape(false));
      atom = Class(std::move(set));
    } else if (text_[at_] == '*' || text_[at_] == '+' || text_[at_] == '?') {
      return Fail("nothing to repeat");
    } else {
      const char32_t c = text_[at_++];
      atom = Class(CodePointSet(c, c));
    }
    for (;;) {
      uint32_t min = 0, max = ExpressionStore::kUnbounded;
      if (Take('*')) {
      } else if (Take('+')) {
        min = 1;
      } else if (Take('?')) {
        max = 1;
      } else if (!ParseBraces(min, max)) {
        return atom;
      }
      if (min > max) return Fail("numbers out of order in quantifier");
      Take('?');
      auto repeat = MakeTree(Tree::Kind::kRepeat);
      repeat->plain = atom->plain;
      repeat->min = min;
      repeat->max = max;
      repeat->parts.push_back(std::move(atom));
      atom = std::move(repeat);
      if (!Done() && (text_[at_] == '*' || text_[at_] == '+')) return Fail("nothing to repeat");
    }
  }

  // A brace that does not begin a quantifier stands for itself, as browsers have it.
  bool ParseBraces(uint32_t& min, uint32_t& max) {
    const size_t start = at_;
    const auto number = [&](uint32_t& out) {
      const size_t from = at_;
      uint64_t value = 0;
      while (!Done() && text_[at_] >= '0' && text_[at_] <= '9') {
        value = std::min<uint64_t>(value * 10 + (text_[at_++] - '0'), 1'000'000'000);
      }
      out = static_cast<uint32_t>(value);
      return at_ > from;
    };
    if (Take('{') && number(min)) {
      max = min;
      if (Take(',') && !number(max)) max = ExpressionStore::kUnbounded;
      if (Take('}')) return true;
    }
    at_ = start;
    return false;
  }

  Result<TreePtr> ParseGroup() {
    TreePtr wrapper;
    if (TakeText(U"?=")) {
      wrapper = MakeTree(Tree::Kind::kAhead);
    } else if (TakeText(U"?!")) {
      wrapper = MakeTree(Tree::Kind::kNotAhead);
    } else if (TakeText(U"?<=") || TakeText(U"?<!")) {
      return Fail("look-behind is not supported");
    } else if (TakeText(U"?<")) {
      while (!Done() && text_[at_] != '>') ++at_;
      if (!Take('>')) return Fail("unterminated group name");
    } else if (TakeText(U"?:")) {
    } else if (!Done() && text_[at_] == '?') {
      return Fail("unknown group syntax (?");
    }
    HEARTH_TRY(TreePtr inner, ParseAlternatives());
    if (!Take(')')) return Fail("missing ')'");
    if (wrapper == nullptr) return inner;
    wrapper->parts.push_back(std::move(inner));
    return wrapper;
  }

  TreePtr Class(CodePointSet set) {
    auto tree = MakeTree(Tree::Kind::kClass);
    tree->set = std::move(set);
    return tree;
  }

  static CodePointSet Digits() { return CodePointSet('0', '9'); }
  static CodePointSet Words() {
    CodePointSet set('0', '9');
    set.Add('A', 'Z');
    set.Add('a', 'z');
    set.Add('_', '_');
    return set;
  }
  static CodePointSet Spaces() {
    CodePointSet set('\t', '\r');
    for (CodePoint c : {0x20, 0xa0, 0x1680, 0x202f, 0x205f, 0x3000, 0xfeff}) set.Add(c, c);
    set.Add(0x2000, 0x200a);
    set.Add(0x2028, 0x2029);
    return set;
  }

  std::optional<CodePoint> Hex(size_t digits) {
    CodePoint value = 0;
    if (at_ + digits > text_.size()) return std::nullopt;
    for (size_t i = 0; i < digits; ++i) {
      const char32_t c = text_[at_ + i];
      const int d = c >= '0' && c <= '9'   ? static_cast<int>(c - '0')
                    : c >= 'a' && c <= 'f' ? static_cast<int>(c - 'a' + 10)
                    : c >= 'A' && c <= 'F' ? static_cast<int>(c - 'A' + 10)
                                           : -1;
      if (d < 0) return std::nullopt;
      value = value * 16 + static_cast<CodePoint>(d);
    }
    at_ += digits;
    return value;
  }

  Result<CodePointSet> ParseEscape(bool in_class) {
    if (Done()) return Fail("trailing backslash");
    const char32_t c = text_[at_++];
    const auto one = [](CodePoint v) { return CodePointSet(v, v); };
    switch (c) {
      case 'd':
        return Digits();
      case 'D':
        return Digits().Complement();
      case 'w':
        return Words();
      case 'W':
        return Words().Complement();
      case 's':
        return Spaces();
      case 'S':
        return Spaces().Complement();
      case 't':
        return one('\t');
      case 'n':
        return one('\n');
      case 'r':
        return one('\r');
      case 'f':
        return one('\f');
      case 'v':
        return one('\v');
      case 'c':
        if (!Done() && ((text_[at_] | 32) >= 'a' && (text_[at_] | 32) <= 'z')) {
          return one(text_[at_++] % 32);
        }
        return Fail("bad control escape");
      case 'x':
        if (const auto v = Hex(2)) return one(*v);
        return Fail("bad \\x escape");
      case 'u':
        return ParseUnicodeEscape();
      case 'p':
      case 'P': {
        if (!Take('{')) return Fail("bad property escape");
        std::string name;
        while (!Done() && text_[at_] != '}') {
          name += text_[at_] < 128 ? static_cast<char>(text_[at_]) : '?';
          ++at_;
        }
        if (!Take('}')) return Fail("bad property escape");
        const auto set = UnicodeProperty(name);
        if (!set) return Fail("unsupported property \\p{" + name + "}");
        return c == 'p' ? *set : set->Complement();
      }
      case 'b':
        if (in_class) return one('\b');
        return Fail("\\b is not supported");
      default:
        if (c == '0' && (Done() || text_[at_] < '0' || text_[at_] > '9')) return one(0);
        if (c >= '0' && c <= '9') return Fail("back references are not supported");
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
          return Fail(std::string("unknown escape \\") + static_cast<char>(c));
        }
        return one(c);
    }
  }

  Result<CodePointSet> ParseUnicodeEscape() {
    if (Take('{')) {
      CodePoint value = 0;
      size_t digits = 0;
      while (const auto d = Hex(1)) {
        value = std::min<CodePoint>(value * 16 + *d, kMaxCodePoint + 1);
        ++digits;
      }
      if (digits == 0 || value > kMaxCodePoint || !Take('}')) return Fail("bad \\u{} escape");
      return CodePointSet(value, value);
    }
    const auto unit = Hex(4);
    if (!unit) return Fail("bad \\u escape");
    if (*unit >= 0xd800 && *unit < 0xdc00 && TakeText(U"\\u")) {
      const auto low = Hex(4);
      if (!low || *low < 0xdc00 || *low > 0xdfff) return Fail("lone surrogate");
      const CodePoint c = 0x10000 + ((*unit - 0xd800) << 10) + (*low - 0xdc00);
      return CodePointSet(c, c);
    }
    return CodePointSet(*unit, *unit);
  }

  Result<CodePointSet> ParseClass() {
    const bool negated = Take('^');
    CodePointSet set;
    while (!Take(']')) {
      if (Done()) return Fail("missing ']'");
      HEARTH_TRY(CodePointSet low, ParseClassAtom());
      const bool range = at_ + 1 < text_.size() && text_[at_] == '-' && text_[at_ + 1] != ']';
      if (!range) {
        set.Add(low);
        continue;
      }
      ++at_;
      HEARTH_TRY(CodePointSet high, ParseClassAtom());
      const auto single = [](const CodePointSet& s) {
        return s.ranges().size() == 1 && s.ranges()[0].low == s.ranges()[0].high;
      };
      if (!single(low) || !single(high)) {  // `[\w-.]`: the dash stands for itself
        set.Add(low);
        set.Add(high);
        set.Add('-', '-');
      } else if (low.ranges()[0].low > high.ranges()[0].low) {
        return Fail("range out of order in class");
      } else {
        set.Add(low.ranges()[0].low, high.ranges()[0].low);
      }
    }
    return negated ? set.Complement() : set.Intersect(CodePointSet::Everything());
  }

  Result<CodePointSet> ParseClassAtom() {
    if (Done()) return Fail("missing ']'");
    if (Take('\\')) return ParseEscape(true);
    const char32_t c = text_[at_++];
    return CodePointSet(c, c);
  }

  std::u32string text_;
  size_t at_ = 0;
  int nesting_ = 0;
};

// Turns a tree into an expression by continuation: `rest` is the language of what follows. Two of
// them are carried, since a caret further on still matches if nothing was consumed so far.
class Builder {
 public:
  explicit Builder(ExpressionStore& store) : store_(store) {}

  struct Rest {
    ExprId at_start, later;
  };

  ExprId Search(const Tree& tree) {
    const Rest all{ExpressionStore::kAll, ExpressionStore::kAll};
    const ExprId here = Build(tree, all, true);
    const ExprId some = store_.Concat(store_.AnyChar(), ExpressionStore::kAll);
    return store_.Alt({here, store_.Concat(some, Build(tree, all, false))});
  }
  ExprId Whole(const Tree& tree) {
    const Rest end{ExpressionStore::kEpsilon, ExpressionStore::kEpsilon};
    return Build(tree, end, true);
  }
  const std::string& problem() const { return problem_; }

 private:
  ExprId Plain(const Tree& tree) {
    std::vector<ExprId> parts;
    switch (tree.kind) {
      case Tree::Kind::kClass:
        return store_.Class(tree.set.Intersect(CodePointSet::Everything()));
      case Tree::Kind::kConcat: {
        ExprId out = ExpressionStore::kEpsilon;
        for (size_t i = tree.parts.size(); i-- > 0;)
          out = store_.Concat(Plain(*tree.parts[i]), out);
        return out;
      }
      case Tree::Kind::kAlt:
        for (const auto& part : tree.parts) parts.push_back(Plain(*part));
        return store_.Alt(std::move(parts));
      case Tree::Kind::kRepeat:
        return store_.Repeat(Plain(*tree.parts[0]), tree.min, tree.max);
      default:
        return ExpressionStore::kEpsilon;
    }
  }

  ExprId Build(const Tree& tree, Rest rest, bool start) {
    const ExprId now = start ? rest.at_start : rest.later;
    if (tree.plain) {
      const ExprId language = Plain(tree);
      if (now == rest.later) return store_.Concat(language, now);
      const ExprId some = store_.Concat(store_.AnyChar(), ExpressionStore::kAll);
      const ExprId consumed = store_.Nullable(language) ? store_.And({language, some}) : language;
      const ExprId moved = store_.Concat(consumed, rest.later);
      return store_.Nullable(language) ? store_.Alt({moved, now}) : moved;
    }
    switch (tree.kind) {
      case Tree::Kind::kCaret:
        return start ? now : ExpressionStore::kNone;
      case Tree::Kind::kDollar:
        return store_.Nullable(now) ? ExpressionStore::kEpsilon : ExpressionStore::kNone;
      case Tree::Kind::kConcat:
        for (size_t i = tree.parts.size(); i-- > 0;) {
          const Rest before = rest;
          if (start) rest.at_start = Build(*tree.parts[i], before, true);
          rest.later = Build(*tree.parts[i], before, false);
        }
        return start ? rest.at_start : rest.later;
      case Tree::Kind::kAlt: {
        std::vector<ExprId> parts;
        for (const auto& part : tree.parts) parts.push_back(Build(*part, rest, start));
        return store_.Alt(std::move(parts));
      }
      case Tree::Kind::kAhead:
      case Tree::Kind::kNotAhead: {
        const Rest all{ExpressionStore::kAll, ExpressionStore::kAll};
        const ExprId ahead = Build(*tree.parts[0], all, start);
        return store_.And({tree.kind == Tree::Kind::kAhead ? ahead : store_.Not(ahead), now});
      }
      case Tree::Kind::kRepeat: {
        const bool unbounded = tree.max == ExpressionStore::kUnbounded;
        const uint32_t last = unbounded ? tree.min : tree.max;
        if (last > kMaxUnrolledAnchors || unbounded) {
          problem_ = "an anchor or look-ahead inside a repetition is not supported";
          return ExpressionStore::kNone;
        }
        Rest from = rest;  // after i repetitions, for i from max down to 0
        for (uint32_t i = last; i-- > 0;) {
          const Rest more{start ? Build(*tree.parts[0], from, true) : from.at_start,
                          Build(*tree.parts[0], from, false)};
          from = i >= tree.min ? Rest{store_.Alt({rest.at_start, more.at_start}),
                                      store_.Alt({rest.later, more.later})}
                               : more;
        }
        return start ? from.at_start : from.later;
      }
      default:
        return now;
    }
  }

  ExpressionStore& store_;
  std::string problem_;
};

Result<ExprId> ParsePattern(std::string_view pattern, ExpressionStore& store, bool whole) {
  if (pattern.size() > kMaxPattern) {
    return MakeError(ErrorCode::kResourceExhausted, "pattern: longer than ", kMaxPattern, " bytes");
  }
  std::u32string text;
  if (!DecodeUtf8(pattern, text)) {
    return MakeError(ErrorCode::kInvalidArgument, "pattern: not UTF-8");
  }
  HEARTH_TRY(TreePtr tree, Parser(std::move(text)).Parse());
  Builder builder(store);
  const ExprId out = whole ? builder.Whole(*tree) : builder.Search(*tree);
  if (!builder.problem().empty()) {
    return MakeError(ErrorCode::kUnsupported, "pattern: ", builder.problem());
  }
  if (store.exhausted()) {
    return MakeError(ErrorCode::kResourceExhausted, "pattern: too complex");
  }
  return out;
}

}  // namespace

Result<ExprId> ParseEcmaRegex(std::string_view pattern, ExpressionStore& store) {
  return ParsePattern(pattern, store, false);
}

Result<ExprId> ParseEcmaRegexWhole(std::string_view pattern, ExpressionStore& store) {
  return ParsePattern(pattern, store, true);
}

bool DecodeUtf8(std::string_view bytes, std::u32string& out) {
  out.reserve(out.size() + bytes.size());
  for (size_t i = 0; i < bytes.size();) {
    const auto lead = static_cast<uint8_t>(bytes[i++]);
    if (lead < 0x80) {
      out += lead;
      continue;
    }
    const int more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
    if (lead < 0xc2 || lead > 0xf4 || i + static_cast<size_t>(more) > bytes.size()) return false;
    char32_t c = lead & (0x3f >> more);
    for (int k = 0; k < more; ++k) {
      const auto next = static_cast<uint8_t>(bytes[i++]);
      if ((next & 0xc0) != 0x80) return false;
      c = c << 6 | (next & 0x3f);
    }
    if (c < (more == 1 ? 0x80u : more == 2 ? 0x800u : 0x10000u) || c > kMaxCodePoint) return false;
    if (c >= kFirstSurrogate && c <= kLastSurrogate) return false;
    out += c;
  }
  return true;
}

void AppendUtf8(CodePoint c, std::string& out) {
  const auto put = [&](uint32_t byte) { out += static_cast<char>(byte); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xc0 | c >> 6);
    put(0x80 | (c & 0x3f));
  } else if (c < 0x10000) {
    put(0xe0 | c >> 12);
    put(0x80 | (c >> 6 & 0x3f));
    put(0x80 | (c & 0x3f));
  } else {
    put(0xf0 | c >> 18);
    put(0x80 | (c >> 12 & 0x3f));
    put(0x80 | (c >> 6 & 0x3f));
    put(0x80 | (c & 0x3f));
  }
}

}  // namespace hearth::grammar
