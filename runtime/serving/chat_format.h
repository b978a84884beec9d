// ChatFormat: how a model family writes reasoning, text and tool calls.
//
// One description (a file of grammars/builtin, explained there) gives the grammar of a reply
// (reply_grammar), the parser that takes it apart as it streams (reply_parser), the text of a call
// (call_writer), and the probe that finds the family of a template (format_detection). Plain
// values, const after they are made.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "model/tokenizer.h"
#include "runtime/base/core/result.h"
#include "runtime/base/json.h"

namespace hearth::serving {

// Around the name of a control token in a bound format and in the text that a parser is fed.
// Neither byte occurs in UTF-8, so text that spells a control token is never taken for it.
inline constexpr char kControlBegin = '\xff';
inline constexpr char kControlEnd = '\xfe';
std::string WithoutControlMarks(std::string_view text);
// The same, and without the control tokens themselves.
std::string WithoutControlTokens(std::string_view text);

// What a tool's name may consist of where no quotes are around it, and how long any may be.
bool IsNameByte(char c);
inline constexpr size_t kLongestName = 256;

struct ChatFormat {
  // A step in writing or reading a call or one of its arguments.
  struct Piece {
    enum class Kind : uint8_t {
      kText,       // `text`
      kName,       // of the tool
      kArguments,  // all of them
      kId,         // of the call
      kIndex,      // of the call, from 0
      kKey,        // of an argument
      kValue,      // of an argument
      kIsString,   // "true" or "false": whether that is a string
      kSkip,       // anything on one line up to the next piece; written as `text`
      kOptional,   // the next `count` pieces may be left out
    };
    Kind kind = Kind::kText;
    std::string text;
    size_t count = 0;
  };
  // A place where calls stand: begin, call, separator, call, …, end.
  struct Region {
    std::vector<std::string> triggers;  // what begins it; "$name" stands for each tool's name
    std::string begin, separator, end;
    std::string between;  // two such regions, where there is no separator
    std::vector<Piece> call;

    bool is_list() const { return !end.empty(); }
    // The tool's name is a JSON string.
    bool quotes_name() const;
    // Without quotes a name ends where something stands that is no part of names.
    bool CanHoldName(std::string_view tool) const;
    std::string SpellName(const std::string& tool) const;
    // All that stands before the first name or other slot.
    std::string Opening() const;
  };
  enum class Arguments : uint8_t {
    kJson,    // one JSON object
    kTagged,  // `parameter` for each; strings are raw, other values JSON
    kPython,  // a=1, b="x", c=True
    kBraces,  // {a:1,b:<quote>x<quote>}
  };

  std::string name;                   // the description's file stem
  std::vector<std::string> families;  // who writes so
  std::vector<std::string> hints;     // in prompts of templates that render no calls
  // Every reply begins with the calls, an empty list where none is needed.
  bool decides_first = false;
  std::string think_begin, think_end;  // around reasoning; empty: the family has none
  std::string after_thinking;          // between it and what follows
  bool thinks_anywhere = false;        // not at a reply's beginning alone
  // A call whose trigger holds a control token ends reasoning that was never closed. A trigger that
  // is text is a quotation there like any other.
  bool calls_end_thinking = false;
  std::string content_begin, content_end;
  std::string preamble_begin, preamble_end;  // around text in front of calls, if not content's
  std::vector<std::string> silent;           // markers in text that say nothing
  Arguments arguments = Arguments::kJson;
  std::vector<Piece> parameter;
  std::string quote;
  std::vector<Region> regions;  // the first is how calls are written, the others also occur
  std::map<std::string, TokenId, std::less<>> control;  // of a bound format: ids by name

  bool has_calls() const { return !regions.empty(); }
  // Of a bound format: whether the trigger begins a region inside reasoning as well.
  bool EndsThinking(std::string_view trigger) const {
    return calls_end_thinking && trigger.find(kControlBegin) != trigger.npos;
  }

  // Error: a field that is missing, unknown or of the wrong type.
  static Result<ChatFormat> Parse(std::string_view name, std::string_view json);
  // The format for one tokenizer: the control tokens among its markers are told from text.
  ChatFormat Bind(const model::Tokenizer& tokenizer) const;
  // Of a bound format: the control tokens that have no place in a reply without calls, ascending.
  // All but those that end a turn and those of the markers around reasoning and text.
  std::vector<TokenId> StrayTokens(const model::Tokenizer& tokenizer) const;
};

// The formats that the program carries, by name.
const std::vector<ChatFormat>& BuiltinFormats();
// Null where there is none of that name.
const ChatFormat* FindFormat(std::string_view name);
// For models whose template knows no tools.
const ChatFormat& GenericFormat();
// What completes a text without any markers: nothing in it is reasoning or a call.
const ChatFormat& PlainTextFormat();

}  // namespace hearth::serving
