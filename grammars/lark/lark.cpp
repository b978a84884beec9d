#include "grammars/lark/lark.h"

#include <cctype>
#include <optional>
#include <vector>

#include "grammars/notation/rule_table.h"
#include "grammars/notation/text_scanner.h"
#include "grammars/regex/ecma_regex.h"
#include "grammars/schema/json_text.h"

namespace hearth::grammar {
namespace {

using Part = GrammarBuilder::Part;

// What `%import common.NAME` brings.
struct CommonTerminal {
  std::string_view name, pattern;
};
constexpr CommonTerminal kCommon[] = {
    {"DIGIT", "[0-9]"},
    {"HEXDIGIT", "[0-9a-fA-F]"},
    {"INT", "[0-9]+"},
    {"SIGNED_INT", "[+-]?[0-9]+"},
    {"DECIMAL", "[0-9]+\\.[0-9]*|\\.[0-9]+"},
    {"FLOAT", "[0-9]+[eE][+-]?[0-9]+|([0-9]+\\.[0-9]*|\\.[0-9]+)([eE][+-]?[0-9]+)?"},
    {"SIGNED_FLOAT", "[+-]?([0-9]+[eE][+-]?[0-9]+|([0-9]+\\.[0-9]*|\\.[0-9]+)([eE][+-]?[0-9]+)?)"},
    {"NUMBER", "[0-9]+(\\.[0-9]*)?([eE][+-]?[0-9]+)?|\\.[0-9]+([eE][+-]?[0-9]+)?"},
    {"SIGNED_NUMBER", "[+-]?([0-9]+(\\.[0-9]*)?([eE][+-]?[0-9]+)?|\\.[0-9]+([eE][+-]?[0-9]+)?)"},
    {"ESCAPED_STRING", "\"([^\"\\\\\\n]|\\\\.)*\""},
    {"LCASE_LETTER", "[a-z]"},
    {"UCASE_LETTER", "[A-Z]"},
    {"LETTER", "[a-zA-Z]"},
    {"WORD", "[a-zA-Z]+"},
    {"CNAME", "[_a-zA-Z][_a-zA-Z0-9]*"},
    {"WS_INLINE", "[ \\t]+"},
    {"WS", "[ \\t\\f\\r\\n]+"},
    {"CR", "\\r"},
    {"LF", "\\n"},
    {"NEWLINE", "(\\r?\\n)+"},
};

bool IsNameByte(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }
bool IsTerminal(std::string_view name) {
  for (const char c : name) {
    if (c != '_') return c >= 'A' && c <= 'Z';
  }
  return false;
}

class LarkReader {
 public:
  LarkReader(GrammarBuilder& builder, std::string_view text)
      : b_(builder), in_("lark", text), rules_(builder, in_) {}

  Result<Part> Read() {
    ignored_ = b_.Forward();
    Space(true);
    while (!in_.done()) HEARTH_CHECK_OK(Item());
    HEARTH_TRY(const Part start, rules_.Finish("start"));
    b_.Define(ignored_, ignores_.empty() ? b_.Literal("") : b_.Optional(b_.Choice(ignores_)));
    return b_.Sequence({ignored_, start});
  }

 private:
  void Space(bool lines) {
    while (!in_.done()) {
      const char c = in_.Peek();
      if (c == '#' || (c == '/' && in_.Peek(1) == '/')) {
        in_.TakeWhile([](char x) { return x != '\n'; });
      } else if (c == ' ' || c == '\t' || c == '\r' || (lines && c == '\n')) {
        in_.Move(1);
      } else {
        return;
      }
    }
  }

  Status Item() {
    if (in_.Peek() == '%') return Directive();
    while (in_.Peek() == '?' || in_.Peek() == '!') in_.Move(1);
    const std::string name(in_.TakeWhile(IsNameByte));
    if (name.empty()) return in_.Fail("a rule's name is missing");
    if (in_.Take("{")) return in_.Fail("unsupported: templates");
    if (in_.Take(".")) {  // a priority chooses among parses of one text
      (void)in_.Take("-");
      HEARTH_CHECK_OK(in_.TakeNumber());
    }
    Space(false);
    if (!in_.Take(":")) return in_.Fail(Concat("':' is missing behind '", name, "'"));
    HEARTH_CHECK_OK(rules_.Declare(name));
    in_terminal_ = IsTerminal(name);
    HEARTH_TRY(const Part body, RuleBody(name));
    rules_.Define(name, body);
    return EndOfLine();
  }

  Status EndOfLine() {
    Space(false);
    if (!in_.done() && in_.Peek() != '\n') return in_.Fail("this belongs to no rule");
    Space(true);
    return {};
  }

  Status Directive() {
    if (in_.Take("%ignore")) {
      in_terminal_ = true;
      Space(false);
      HEARTH_TRY(const Part part, Alternatives(0));
      ignores_.push_back(part);
      return EndOfLine();
    }
    if (in_.Take("%import")) return Import();
    return in_.Fail("unsupported: this % word");
  }

  // %import common.NAME -> OTHER, or %import common (NAME, NAME)
  Status Import() {
    Space(false);
    if (!in_.Take("common")) return in_.Fail("unsupported: an import from elsewhere than common");
    Space(false);
    if (in_.Take(".")) {
      const std::string_view name = in_.TakeWhile(IsNameByte);
      std::string_view alias = name;
      Space(false);
      if (in_.Take("->")) {
        Space(false);
        alias = in_.TakeWhile(IsNameByte);
      }
      HEARTH_CHECK_OK(ImportAs(name, alias));
      return EndOfLine();
    }
    if (!in_.Take("(")) return in_.Fail("what of common is to be imported?");
    do {
      Space(true);
      const std::string_view name = in_.TakeWhile(IsNameByte);
      HEARTH_CHECK_OK(ImportAs(name, name));
      Space(true);
    } while (in_.Take(","));
    if (!in_.Take(")")) return in_.Fail("')' is missing");
    return EndOfLine();
  }

  Status ImportAs(std::string_view name, std::string_view alias) {
    for (const CommonTerminal& terminal : kCommon) {
      if (terminal.name != name) continue;
      HEARTH_CHECK_OK(rules_.Declare(alias));
      HEARTH_TRY(const Part part, b_.Regex(terminal.pattern));
      rules_.Define(alias, part);
      return {};
    }
    return in_.Fail(Concat("unsupported: common has no '", name, "' here"));
  }

  // A rule that goes on behind itself is a repetition of what may come behind.
  Result<Part> RuleBody(const std::string& name) {
    std::vector<Part> first, again;
    do {
      Space(false);
      const size_t from = in_.at();
      const bool same = in_.TakeWhile(IsNameByte) == name;
      Space(false);
      const bool repeated = std::string_view("*+?~").find(in_.Peek()) != std::string_view::npos;
      const bool recursive = same && !(repeated && !in_.done());
      if (!recursive) in_.MoveTo(from);
      HEARTH_TRY(const Part way, Sequence(0));
      (recursive ? again : first).push_back(way);
    } while (NextAlternative());
    const Part start = b_.Choice(first);
    return again.empty() ? start : b_.Sequence({start, b_.Repeat(b_.Choice(again), 0)});
  }

  // Past a '|', which may stand on the next line.
  bool NextAlternative() {
    Space(false);
    const size_t from = in_.at();
    Space(true);
    if (in_.Take("|")) {
      Space(true);
      return true;
    }
    in_.MoveTo(from);
    return false;
  }

  Result<Part> Alternatives(int depth) {
    if (depth > TextScanner::kMaxNesting) return in_.Fail("groups nested too deeply");
    std::vector<Part> ways;
    do {
      HEARTH_TRY(const Part way, Sequence(depth));
      ways.push_back(way);
    } while (NextAlternative());
    return ways.size() == 1 ? ways[0] : b_.Choice(ways);
  }

  Result<Part> Sequence(int depth) {
    std::vector<Part> parts;
    while (true) {
      Space(depth > 0);
      if (in_.Take("->")) {
        Space(false);
        in_.TakeWhile(IsNameByte);
        break;
      }
      HEARTH_TRY(const std::optional<Part> part, Atom(depth));
      if (!part) break;
      HEARTH_TRY(const Part repeated, Repeated(*part));
      parts.push_back(repeated);
    }
    return parts.size() == 1 ? parts[0] : b_.Sequence(parts);
  }

  // A terminal where a rule uses it, and what may be ignored behind it.
  Part InRule(Part terminal) { return in_terminal_ ? terminal : b_.Sequence({terminal, ignored_}); }

  Result<std::optional<Part>> Atom(int depth) {
    using Maybe = std::optional<Part>;
    const char c = in_.Peek();
    if (in_.done()) return Maybe();
    if (c == '(' || c == '[') {
      in_.Move(1);
      HEARTH_TRY(const Part inside, Alternatives(depth + 1));
      Space(true);
      if (!in_.Take(c == '(' ? ")" : "]")) return in_.Fail("a group that is not closed");
      return Maybe(c == '(' ? inside : b_.Optional(inside));
    }
    if (c == '"') {
      HEARTH_TRY(const Part text, StringOrRange());
      return Maybe(InRule(text));
    }
    if (c == '/') {
      HEARTH_TRY(const Part pattern, Pattern());
      return Maybe(InRule(pattern));
    }
    if (in_.Take("%json")) {
      HEARTH_TRY(const Part schema, Schema());
      return Maybe(InRule(schema));
    }
    if (!IsNameByte(c)) return Maybe();
    const std::string_view name = in_.TakeWhile(IsNameByte);
    const Part part = rules_.Use(name);
    return Maybe(IsTerminal(name) ? InRule(part) : part);
  }

  Result<Part> Repeated(Part part) {
    while (true) {
      if (in_.Take("*")) {
        part = b_.Repeat(part, 0);
      } else if (in_.Take("+")) {
        part = b_.Repeat(part, 1);
      } else if (in_.Take("?")) {
        part = b_.Optional(part);
      } else {
        break;
      }
    }
    const size_t from = in_.at();
    Space(false);
    if (!in_.Take("~")) {
      in_.MoveTo(from);
      return part;
    }
    Space(false);
    HEARTH_TRY(const uint32_t least, in_.TakeNumber());
    uint32_t most = least;
    Space(false);
    if (in_.Take("..")) {
      Space(false);
      HEARTH_TRY(most, in_.TakeNumber());
    }
    if (most < least) return in_.Fail("a repetition whose upper bound is below the lower one");
    return b_.Repeat(part, least, most);
  }

  Result<std::u32string> String() {
    in_.Move(1);
    std::u32string text;
    while (!in_.Take("\"")) {
      if (in_.done() || in_.Peek() == '\n') return in_.Fail("a string that is not closed");
      CodePoint c = 0;
      if (!in_.Take("\\")) {
        HEARTH_TRY(c, in_.TakeCharacter());
      } else {
        const char escape = in_.Peek();
        in_.Move(1);
        const std::string_view kFrom = "nrtfv0\\\"/'";
        const size_t which = kFrom.find(escape);
        if (escape == 'x' || escape == 'u' || escape == 'U') {
          HEARTH_TRY(c, in_.TakeHex(escape == 'x' ? 2 : escape == 'u' ? 4 : 8));
        } else if (which == kFrom.npos || in_.done()) {
          return in_.Fail(Concat("'\\", std::string(1, escape), "' is no escape"));
        } else {
          c = static_cast<unsigned char>(std::string_view("\n\r\t\f\v\0\\\"/'", 10)[which]);
        }
      }
      text += static_cast<char32_t>(c);
    }
    return text;
  }

  Result<Part> StringOrRange() {
    HEARTH_TRY(const std::u32string text, String());
    if (in_.Peek() == '.' && in_.Peek(1) == '.') {
      in_.Move(2);
      if (in_.Peek() != '"') return in_.Fail("the end of a range is missing");
      HEARTH_TRY(const std::u32string last, String());
      if (text.size() != 1 || last.size() != 1 || last[0] < text[0]) {
        return in_.Fail("a range goes from one character to a later one");
      }
      return b_.Character(CodePointSet(text[0], last[0]));
    }
    if (in_.Peek() == 'i' && !IsNameByte(in_.Peek(1))) {
      in_.Move(1);
      std::vector<Part> letters;
      for (const char32_t c : text) {
        CodePointSet set(c, c);
        if (c < 0x80 && std::isalpha(static_cast<int>(c)) != 0) set.Add(c ^ 0x20, c ^ 0x20);
        letters.push_back(b_.Character(set));
      }
      return b_.Sequence(letters);
    }
    std::string bytes;
    for (const char32_t c : text) AppendUtf8(c, bytes);
    return b_.Literal(bytes);
  }

  Result<Part> Pattern() {
    in_.Move(1);
    const size_t from = in_.at();
    bool in_class = false;
    while (in_class || in_.Peek() != '/') {
      if (in_.done() || in_.Peek() == '\n') return in_.Fail("a pattern that is not closed");
      if (in_.Peek() == '[') in_class = true;
      if (in_.Peek() == ']') in_class = false;
      in_.Move(in_.Peek() == '\\' ? 2 : 1);
    }
    const std::string pattern(in_.From(from));
    in_.Move(1);
    if (std::string_view("imslxu").find(in_.Peek()) != std::string_view::npos && !in_.done()) {
      return in_.Fail("unsupported: flags of a regular expression");
    }
    auto part = b_.Regex(pattern);
    if (!part.ok()) return in_.Fail(part.error().message);
    return part;
  }

  // %json {…}: up to the brace that closes it.
  Result<Part> Schema() {
    Space(true);
    const size_t from = in_.at();
    int depth = 0;
    bool quoted = false;
    do {
      const char c = in_.Peek();
      if (in_.done()) return in_.Fail("a schema that is not closed");
      if (quoted && c == '\\') in_.Move(1);
      if (c == '"') quoted = !quoted;
      if (!quoted && (c == '{' || c == '[')) ++depth;
      if (!quoted && (c == '}' || c == ']')) --depth;
      in_.Move(1);
    } while (depth > 0);
    constexpr size_t kDeepest = 400;
    const auto schema = ParseJsonText(in_.From(from), kDeepest);
    if (!schema.ok()) return in_.Fail(schema.error().message);
    auto part = b_.JsonSchema(*schema);
    if (!part.ok()) return in_.Fail(part.error().message);
    return part;
  }

  GrammarBuilder& b_;
  TextScanner in_;
  RuleTable rules_;
  std::vector<Part> ignores_;
  Part ignored_ = 0;
  bool in_terminal_ = false;
};

}  // namespace

Result<Part> AddLark(GrammarBuilder& builder, std::string_view text) {
  if (text.size() > TextScanner::kMaxText) {
    return MakeError(ErrorCode::kResourceExhausted, "lark: ", text.size(), " bytes are more than ",
                     TextScanner::kMaxText);
  }
  return LarkReader(builder, text).Read();
}

}  // namespace hearth::grammar
