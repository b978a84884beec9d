#include "runtime/serving/reply_grammar.h"

#include <algorithm>
#include <optional>

#include "grammars/grammar_builder.h"
#include "runtime/serving/arguments/argument_grammar.h"
#include "runtime/serving/call_writer.h"
#include "runtime/serving/reply_parser.h"
#include "runtime/serving/text_match.h"

namespace hearth::serving {
namespace {

using Part = GrammarPart;
using Piece = ChatFormat::Piece;
using Kind = Piece::Kind;
using Region = ChatFormat::Region;

constexpr uint32_t kMostCalls = 16;

// Arguments have names: a schema that leaves the type open means an object; none, an empty one.
Result<Json> ArgumentsSchema(const std::string& tool, const Json& function) {
  const Json* given = FindMember(function, "parameters");
  if (given == nullptr) return Json{{"type", "object"}, {"additionalProperties", false}};
  Json parameters = *given;
  if (!parameters.is_object()) {
    return MakeError(ErrorCode::kInvalidArgument, "tool ", tool,
                     ": parameters is no JSON Schema object");
  }
  const Json& type = parameters.emplace("type", "object").first.value();
  if (type != "object") {
    return MakeError(ErrorCode::kInvalidArgument, "tool ", tool,
                     ": parameters must describe an object, not type ", DumpJson(type));
  }
  return parameters;
}

// What a trigger leaves of the text that a region opens with.
std::string Remainder(const std::string& opening, const std::string& trigger) {
  for (size_t n = 0; n <= opening.size(); ++n) {
    const TextMatch match = MatchText(std::string_view(opening).substr(0, n), trigger);
    if (match.kind == TextMatch::Kind::kYes && match.used == trigger.size()) {
      return opening.substr(n);
    }
  }
  return opening;
}

class ReplyGrammar {
 public:
  ReplyGrammar(const ChatFormat& format, const ChatRequest& request)
      : format_(format), request_(request) {}

  Result<std::shared_ptr<const grammar::CompiledGrammar>> Compile(bool thinking) {
    const bool may_call = PlaceOfCalls(request_) != CallPlace::kNowhere;
    const bool must_call = may_call && request_.tool_choice == ToolChoice::kRequired;
    HEARTH_TRY(const Part answer, Answer());
    if (!may_call) {
      const Part reply = Thoughtful(thinking, request_.bounds_answer(), answer, std::nullopt);
      return std::move(b_).Build(reply);
    }
    HEARTH_CHECK_OK(Tools());
    const Part calls = Calls(must_call);
    std::vector<Part> reply;
    if (must_call) {
      reply.push_back(calls);
    } else if (format_.decides_first) {
      const Part none = Text(WriteCalls(format_, {}));
      reply.push_back(b_.Choice({calls, b_.Sequence({none, answer})}));
    } else if (request_.bounds_answer() || !format_.content_begin.empty()) {
      if (!format_.preamble_begin.empty()) reply.push_back(b_.Repeat(Preamble(), 0, 1));
      reply.push_back(b_.Choice({calls, answer}));
    } else {
      reply.push_back(answer);
      reply.push_back(b_.Optional(calls));
    }
    const bool must_answer = must_call || request_.bounds_answer();
    const Part whole = Thoughtful(thinking, must_answer, b_.Sequence(reply), calls);
    return std::move(b_).Build(whole);
  }

 private:
  Part Text(std::string_view text) { return TextPart(b_, format_, text); }

  // The reply with reasoning before it, which `calls` may break off.
  Part Thoughtful(bool thinking, bool must_answer, Part reply, std::optional<Part> calls) {
    if (format_.think_begin.empty()) return reply;
    const Part free = FreeText(b_, {format_.think_end});
    const Part thought = b_.Sequence({free, Text(format_.think_end)});
    const Part begin = Text(format_.think_begin);
    if (format_.thinks_anywhere) {
      // Each block is a message of its own, and what follows it too.
      const Part after = Text(format_.after_thinking);
      const Part more = b_.Repeat(b_.Sequence({begin, thought, after}), 0);
      return thinking ? b_.Sequence({thought, after, more, reply}) : b_.Sequence({more, reply});
    }
    // Families with reasoning put line breaks between it and what follows.
    if (must_answer) reply = b_.Sequence({b_.Repeat(b_.Literal("\n"), 0, 2), reply});
    Part rest = b_.Sequence({Text(format_.think_end), reply});
    if (calls && format_.EndsThinking(format_.regions[0].triggers[0])) {
      rest = b_.Choice({rest, *calls});
    }
    if (thinking) return b_.Sequence({free, rest});
    return b_.Choice({b_.Sequence({begin, free, rest}), reply});
  }

  Part Preamble() {
    return b_.Sequence({Text(format_.preamble_begin), FreeText(b_, {format_.preamble_end}),
                        Text(format_.preamble_end)});
  }

  // Without a call.
  Result<Part> Answer() {
    Part inside = 0;
    if (request_.response_schema) {
      HEARTH_TRY(inside, b_.JsonSchema(*request_.response_schema, kJsonStyle));
    } else if (request_.answer_grammar) {
      HEARTH_TRY(inside, BoundAnswer(*request_.answer_grammar));
    } else {
      std::vector<std::string> stops = Triggers();
      if (!format_.content_end.empty()) stops.push_back(format_.content_end);
      inside = FreeText(b_, stops);
    }
    return b_.Sequence({Text(format_.content_begin), inside, Text(format_.content_end)});
  }

  Result<Part> BoundAnswer(const AnswerGrammar& answer) {
    switch (answer.kind) {
      case AnswerGrammar::Kind::kRegex:
        return b_.Regex(answer.text);
      case AnswerGrammar::Kind::kGrammar:
        return answer.text.find("::=") != std::string::npos ? b_.Gbnf(answer.text)
                                                            : b_.Lark(answer.text);
      case AnswerGrammar::Kind::kStructuralTag:
        return b_.StructuralTag(answer.value, kJsonStyle);
      case AnswerGrammar::Kind::kChoice:
        break;
    }
    std::vector<Part> choices;
    for (const Json& choice : answer.value) {
      choices.push_back(b_.Literal(choice.get<std::string>()));
    }
    return b_.Choice(choices);
  }

  bool MayCall(const std::string& tool) const {
    return request_.callable.empty() ||
           std::ranges::find(request_.callable, tool) != request_.callable.end();
  }

  // What begins a call, of any tool that there is: no text holds it, for the grammar as for the
  // parser.
  std::vector<std::string> Triggers() const {
    constexpr std::string_view kNameSlot = "$name";
    std::vector<std::string> all;
    for (const Region& region : format_.regions) {
      for (const std::string& trigger : region.triggers) {
        const size_t slot = trigger.find(kNameSlot);
        if (slot == std::string::npos) {
          all.push_back(trigger);
          continue;
        }
        for (const Json& tool : request_.tools) {
          all.push_back(Concat(trigger.substr(0, slot),
                               tool.at("function").at("name").get<std::string>(),
                               trigger.substr(slot + kNameSlot.size())));
        }
      }
    }
    return all;
  }

  // The tools that may be called, with the grammar of their arguments.
  Status Tools() {
    for (const Json& tool : request_.tools) {
      const Json& function = tool.at("function");
      const std::string name = function.at("name").get<std::string>();
      if (!MayCall(name)) continue;
      if (!format_.regions[0].CanHoldName(name)) return UnwritableName(name);
      HEARTH_TRY(Json parameters, ArgumentsSchema(name, function));
      schemas_.push_back(std::move(parameters));
      auto arguments = ArgumentsPart(b_, format_, schemas_.back(), Closing());
      if (!arguments.ok()) {
        return MakeError(arguments.error().code, "tool ", name, ": ", arguments.error().message);
      }
      tools_.emplace_back(name, *arguments);
    }
    return {};
  }

  Error UnwritableName(const std::string& name) const {
    const bool quoted = format_.regions[0].quotes_name();
    return MakeError(ErrorCode::kInvalidArgument, "tool ", DumpJson(Json(name)), ": this model (",
                     format_.name, ") writes names of 1 to ", kLongestName, " bytes",
                     quoted ? "" : ", of letters, digits and _ - . / alone",
                     "; give the tool such a name");
  }

  std::string_view Closing() const {
    const Region& region = format_.regions[0];
    for (size_t i = 0; i + 1 < region.call.size(); ++i) {
      if (region.call[i].kind == Kind::kArguments) return region.call[i + 1].text;
    }
    return region.end;
  }

  // One call or several, with all that stands around them. Where calls must come, they come in the
  // family's own spelling.
  Part Calls(bool must_call) {
    std::vector<Part> regions;
    for (const Region& region : format_.regions) {
      regions.push_back(OneRegion(region, must_call));
      if (must_call) break;
    }
    return b_.Choice(regions);
  }

  Part OneRegion(const Region& region, bool must_call) {
    const std::string opening = region.Opening();
    std::vector<Part> openings{Text(opening)};
    for (const std::string& trigger : region.triggers) {
      if (must_call || opening.starts_with(trigger) || trigger.find('$') != std::string::npos) {
        continue;
      }
      openings.push_back(Text(trigger + Remainder(opening, trigger)));
    }
    const bool has_lead = region.call[0].kind == Kind::kText;
    const Part rest = CallRest(region, has_lead ? 1 : 0);
    std::vector<Part> parts{b_.Choice(openings), rest};
    if (request_.parallel_calls) {
      const std::string again = region.is_list()
                                    ? region.separator + (has_lead ? region.call[0].text : "")
                                    : region.between + opening;
      parts.push_back(b_.Repeat(b_.Sequence({Text(again), rest}), 0, kMostCalls - 1));
    }
    parts.push_back(Text(region.end));
    return b_.Sequence(parts);
  }

  // A call of any tool, from a piece on.
  Part CallRest(const Region& region, size_t from) {
    std::vector<Part> calls;
    for (const auto& [name, arguments] : tools_) {
      if (!region.CanHoldName(name)) continue;
      std::vector<Part> parts;
      for (size_t i = from; i < region.call.size(); ++i) {
        parts.push_back(OnePiece(region, i, name, arguments));
        if (region.call[i].kind == Kind::kOptional) i += region.call[i].count;
      }
      calls.push_back(b_.Sequence(parts));
    }
    return b_.Choice(calls);
  }

  Part OnePiece(const Region& region, size_t at, const std::string& name, Part arguments) {
    const Piece& piece = region.call[at];
    switch (piece.kind) {
      case Kind::kName:
        return b_.Literal(region.SpellName(name));
      case Kind::kArguments:
        return arguments;
      case Kind::kId:
        return Characters("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", 9, 9);
      case Kind::kIndex:
        return Characters("0123456789", 1, 4);
      case Kind::kOptional: {
        std::vector<Part> inside;
        for (size_t i = 1; i <= piece.count; ++i) {
          inside.push_back(OnePiece(region, at + i, name, arguments));
        }
        return b_.Optional(b_.Sequence(inside));
      }
      default:
        return Text(piece.text);
    }
  }

  Part Characters(std::string_view which, uint32_t least, uint32_t most) {
    std::vector<Part> one;
    for (const char c : which) one.push_back(b_.Literal({&c, 1}));
    return b_.Repeat(b_.Choice(one), least, most);
  }

  const ChatFormat& format_;
  const ChatRequest& request_;
  grammar::GrammarBuilder b_;
  std::vector<Json> schemas_;
  std::vector<std::pair<std::string, Part>> tools_;
};

}  // namespace

const ChatFormat& FormatOfReply(const ChatFormat& format, const ChatRequest& request) {
  if (PlaceOfCalls(request) != CallPlace::kFirst) return format;
  const std::string& trigger = format.regions[0].triggers[0];
  return trigger[0] == '{' || trigger[0] == '[' ? GenericFormat() : format;
}

Result<std::shared_ptr<const grammar::CompiledGrammar>> CompileReply(const ChatFormat& format,
                                                                     const ChatRequest& request,
                                                                     bool thinking) {
  return ReplyGrammar(format, request).Compile(thinking);
}

}  // namespace hearth::serving
