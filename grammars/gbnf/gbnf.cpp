#include "grammars/gbnf/gbnf.h"

#include <vector>

#include "grammars/notation/rule_table.h"
#include "grammars/notation/text_scanner.h"
#include "grammars/regex/ecma_regex.h"

namespace hearth::grammar {
namespace {

using Part = GrammarBuilder::Part;

bool IsNameByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_';
}

class GbnfReader {
 public:
  GbnfReader(GrammarBuilder& builder, std::string_view text)
      : b_(builder), in_("gbnf", text), rules_(builder, in_) {}

  Result<Part> Read() {
    Space(true);
    while (!in_.done()) HEARTH_CHECK_OK(Rule());
    return rules_.Finish("root");
  }

 private:
  // Blanks and comments; line breaks where a rule cannot end.
  void Space(bool lines) {
    while (!in_.done()) {
      const char c = in_.Peek();
      if (c == '#') {
        in_.TakeWhile([](char x) { return x != '\n' && x != '\r'; });
      } else if (c == ' ' || c == '\t' || (lines && (c == '\n' || c == '\r'))) {
        in_.Move(1);
      } else {
        return;
      }
    }
  }

  Status Rule() {
    const std::string name(in_.TakeWhile(IsNameByte));
    if (name.empty()) return in_.Fail("a rule's name is missing");
    Space(false);
    if (!in_.Take("::=")) return in_.Fail(Concat("'::=' is missing behind '", name, "'"));
    HEARTH_CHECK_OK(rules_.Declare(name));
    HEARTH_TRY(const Part body, Alternatives(false, 0));
    rules_.Define(name, body);
    if (!in_.done() && in_.Peek() != '\n' && in_.Peek() != '\r') {
      return in_.Fail("this belongs to no rule");
    }
    Space(true);
    return {};
  }

  Result<Part> Alternatives(bool nested, int depth) {
    if (depth > TextScanner::kMaxNesting) return in_.Fail("groups nested too deeply");
    std::vector<Part> ways;
    Space(true);
    do {
      HEARTH_TRY(const Part way, Sequence(nested, depth));
      ways.push_back(way);
    } while (NextAlternative());
    return ways.size() == 1 ? ways[0] : b_.Choice(ways);
  }

  // Past a '|', which may stand on the next line.
  bool NextAlternative() {
    const size_t from = in_.at();
    Space(true);
    if (in_.Take("|")) {
      Space(true);
      return true;
    }
    in_.MoveTo(from);
    return false;
  }

  Result<Part> Sequence(bool nested, int depth) {
    std::vector<Part> parts;
    while (!in_.done()) {
      const char c = in_.Peek();
      Part part = 0;
      if (c == '"') {
        HEARTH_TRY(part, Literal());
      } else if (c == '[' || c == '.') {
        HEARTH_TRY(const CodePointSet set, Class());
        part = b_.Character(set);
      } else if (c == '(') {
        in_.Move(1);
        HEARTH_TRY(part, Alternatives(true, depth + 1));
        if (!in_.Take(")")) return in_.Fail("')' is missing");
      } else if (c == '<' || c == '!') {
        HEARTH_TRY(part, Token());
      } else if (IsNameByte(c)) {
        part = rules_.Use(in_.TakeWhile(IsNameByte));
      } else {
        break;
      }
      Space(nested);
      HEARTH_TRY(part, Repeated(part, nested));
      parts.push_back(part);
    }
    return parts.size() == 1 ? parts[0] : b_.Sequence(parts);
  }

  Result<Part> Repeated(Part part, bool nested) {
    for (int times = 0;; ++times) {
      uint32_t least = 0, most = GrammarBuilder::kUnlimited;
      const bool any = in_.Take("*");
      if (any) {
        least = 0;
      } else if (in_.Take("+")) {
        least = 1;
      } else if (in_.Take("?")) {
        most = 1;
      } else if (in_.Take("{")) {
        Space(nested);
        HEARTH_TRY(least, in_.TakeNumber());
        most = least;
        Space(nested);
        if (in_.Take(",")) {
          Space(nested);
          most = GrammarBuilder::kUnlimited;
          if (in_.Peek() != '}') {
            HEARTH_TRY(most, in_.TakeNumber());
          }
          Space(nested);
        }
        if (!in_.Take("}")) return in_.Fail("'}' is missing");
        if (most < least) return in_.Fail("a repetition whose upper bound is below the lower one");
      } else {
        return part;
      }
      if (times == TextScanner::kMaxNesting) return in_.Fail("repetitions of repetitions");
      part = b_.Repeat(part, least, most);
      Space(nested);
    }
  }

  Result<CodePoint> Character() {
    if (!in_.Take("\\")) return in_.TakeCharacter();
    const char c = in_.Peek();
    in_.Move(1);
    switch (c) {
      case 'x':
        return in_.TakeHex(2);
      case 'u':
        return in_.TakeHex(4);
      case 'U':
        return in_.TakeHex(8);
      case 'n':
        return CodePoint{'\n'};
      case 'r':
        return CodePoint{'\r'};
      case 't':
        return CodePoint{'\t'};
      case '\\':
      case '"':
      case '[':
      case ']':
      case '-':
      case '^':
      case '/':
      case '\'':
        return CodePoint{static_cast<unsigned char>(c)};
      default:
        return in_.Fail(Concat("'\\", std::string(1, c), "' is no escape"));
    }
  }

  Result<Part> Literal() {
    in_.Move(1);
    std::string text;
    while (!in_.Take("\"")) {
      if (in_.done() || in_.Peek() == '\n') return in_.Fail("a literal that is not closed");
      HEARTH_TRY(const CodePoint c, Character());
      AppendUtf8(c, text);
    }
    return b_.Literal(text);
  }

  Result<CodePointSet> Class() {
    if (in_.Take(".")) return CodePointSet::Everything();
    in_.Move(1);
    const bool negated = in_.Take("^");
    CodePointSet set;
    while (!in_.Take("]")) {
      if (in_.done()) return in_.Fail("a character class that is not closed");
      HEARTH_TRY(const CodePoint low, Character());
      CodePoint high = low;
      if (in_.Peek() == '-' && in_.Peek(1) != ']') {
        in_.Move(1);
        HEARTH_TRY(high, Character());
        if (high < low) return in_.Fail("a range that runs backwards");
      }
      set.Add(low, high);
    }
    return negated ? set.Complement() : set;
  }

  Result<Part> Token() {
    if (!in_.Take("<[")) {
      return in_.Fail("unsupported: a token by its text or a negated one; name it by id: <[7]>");
    }
    constexpr uint32_t kMostTokens = 1 << 21;
    const std::string_view digits = in_.TakeWhile([](char c) { return c >= '0' && c <= '9'; });
    constexpr size_t kLongest = 7;
    const bool fits = !digits.empty() && digits.size() <= kLongest;
    const auto id = fits ? static_cast<uint32_t>(std::stoul(std::string(digits))) : kMostTokens;
    if (id >= kMostTokens) return in_.Fail("this is no token id");
    if (!in_.Take("]>")) return in_.Fail("']>' is missing behind a token id");
    return b_.Token(static_cast<TokenId>(id));
  }

  GrammarBuilder& b_;
  TextScanner in_;
  RuleTable rules_;
};

}  // namespace

Result<Part> AddGbnf(GrammarBuilder& builder, std::string_view text) {
  if (text.size() > TextScanner::kMaxText) {
    return MakeError(ErrorCode::kResourceExhausted, "gbnf: ", text.size(), " bytes are more than ",
                     TextScanner::kMaxText);
  }
  return GbnfReader(builder, text).Read();
}

}  // namespace hearth::grammar
