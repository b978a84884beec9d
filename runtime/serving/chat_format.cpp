#include "runtime/serving/chat_format.h"

#include <algorithm>
#include <cassert>
#include <cctype>
#include <functional>

#include "grammars/builtin.h"

namespace hearth::serving {
namespace {

using Piece = ChatFormat::Piece;

struct Slot {
  std::string_view word;
  Piece::Kind kind;
};
constexpr Slot kSlots[] = {{"$name", Piece::Kind::kName},
                           {"$arguments", Piece::Kind::kArguments},
                           {"$id", Piece::Kind::kId},
                           {"$index", Piece::Kind::kIndex},
                           {"$key", Piece::Kind::kKey},
                           {"$value", Piece::Kind::kValue},
                           {"$is_string", Piece::Kind::kIsString}};

// Reads the members of one object of a description.
class Reader {
 public:
  Reader(std::string_view where, const Json& object) : where_(where), object_(object) {
    if (!object_.is_object()) Complain("is no object");
  }

  std::string String(const char* name) {
    const Json* value = Take(name);
    if (value == nullptr) return "";
    if (!value->is_string()) return Complain(Concat(name, " is no string")), "";
    return value->get<std::string>();
  }
  bool Bool(const char* name) {
    const Json* value = Take(name);
    if (value != nullptr && !value->is_boolean()) Complain(Concat(name, " is no boolean"));
    return value != nullptr && value->is_boolean() && value->get<bool>();
  }
  std::vector<std::string> Strings(const char* name) {
    std::vector<std::string> out;
    const Json* value = Take(name);
    if (value == nullptr) return out;
    if (!value->is_array()) Complain(Concat(name, " is no array"));
    for (const Json& one : *value) {
      if (one.is_string()) {
        out.push_back(one.get<std::string>());
      } else {
        Complain(Concat(name, " holds what is no string"));
      }
    }
    return out;
  }
  const Json* Take(const char* name) {
    known_.push_back(name);
    return FindMember(object_, name);
  }
  void Pieces(const char* name, std::vector<Piece>& out) {
    const Json* value = Take(name);
    if (value != nullptr) AddPieces(name, *value, out);
  }
  void Complain(std::string what) {
    if (complaint_.empty()) complaint_ = std::move(what);
  }
  Status Done() {
    if (object_.is_object()) {
      for (const auto& member : object_.items()) {
        if (std::ranges::find(known_, member.key()) == known_.end()) {
          Complain(Concat("unknown field ", member.key()));
        }
      }
    }
    if (complaint_.empty()) return {};
    return MakeError(ErrorCode::kInvalidArgument, "family description ", where_, ": ", complaint_);
  }

 private:
  void AddPieces(const char* name, const Json& list, std::vector<Piece>& out) {
    if (!list.is_array()) return Complain(Concat(name, " is no array"));
    for (const Json& one : list) {
      if (one.is_string()) {
        const std::string text = one.get<std::string>();
        const auto slot =
            std::ranges::find_if(kSlots, [&](const Slot& s) { return s.word == text; });
        out.push_back(slot != std::end(kSlots) ? Piece{slot->kind, "", 0}
                                               : Piece{Piece::Kind::kText, text, 0});
      } else if (const Json* inner = FindMember(one, "optional")) {
        const size_t at = out.size();
        out.push_back({Piece::Kind::kOptional, "", 0});
        AddPieces(name, *inner, out);
        out[at].count = out.size() - at - 1;
      } else if (const Json* skip = FindMember(one, "skip"); skip != nullptr && skip->is_string()) {
        out.push_back({Piece::Kind::kSkip, skip->get<std::string>(), 0});
      } else {
        Complain(Concat(name, " holds neither text nor a slot"));
      }
    }
  }

  std::string_view where_;
  const Json& object_;
  std::vector<std::string> known_;
  std::string complaint_;
};

Result<ChatFormat::Region> ParseRegion(std::string_view name, const Json& json) {
  ChatFormat::Region region;
  Reader fields(name, json);
  region.triggers = fields.Strings("triggers");
  region.begin = fields.String("begin");
  region.separator = fields.String("separator");
  region.end = fields.String("end");
  region.between = fields.String("between");
  fields.Pieces("call", region.call);
  const auto has = [&](Piece::Kind kind) {
    return std::ranges::any_of(region.call, [&](const Piece& p) { return p.kind == kind; });
  };
  if (!has(Piece::Kind::kName) || !has(Piece::Kind::kArguments)) {
    fields.Complain("a call without $name or $arguments");
  }
  if (region.triggers.empty()) {
    region.triggers.push_back(region.begin.empty() ? region.Opening() : region.begin);
  }
  for (const std::string& trigger : region.triggers) {
    if (trigger.empty()) fields.Complain("a region that nothing begins");
  }
  HEARTH_CHECK_OK(fields.Done());
  return region;
}

// Puts the marks around each control token that the text names, the longest first.
std::string MarkControl(std::string_view text, const model::Tokenizer& tokenizer,
                        std::map<std::string, TokenId, std::less<>>& found) {
  constexpr size_t kLongest = 64;
  std::string out;
  for (size_t i = 0; i < text.size();) {
    size_t length = std::min(kLongest, text.size() - i);
    std::optional<TokenId> id;
    for (; length > 1; --length) {
      id = tokenizer.FindSpecial(text.substr(i, length));
      if (id && tokenizer.IsControl(*id)) break;
      id.reset();
    }
    if (id) {
      found.emplace(text.substr(i, length), *id);
      out += Concat(std::string(1, kControlBegin), text.substr(i, length),
                    std::string(1, kControlEnd));
      i += length;
    } else {
      out += text[i++];
    }
  }
  return out;
}

}  // namespace

std::string WithoutControlMarks(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c != kControlBegin && c != kControlEnd) out += c;
  }
  return out;
}

std::string WithoutControlTokens(std::string_view text) {
  std::string out;
  bool inside = false;
  for (const char c : text) {
    if (c == kControlBegin) {
      inside = true;
    } else if (c == kControlEnd) {
      inside = false;
    } else if (!inside) {
      out += c;
    }
  }
  return out;
}

bool IsNameByte(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '.' ||
         c == '/' || (static_cast<unsigned char>(c) >= 0x80 && c != kControlBegin);
}

bool ChatFormat::Region::quotes_name() const {
  const auto name = std::ranges::find(call, Piece::Kind::kName, &Piece::kind);
  return name != call.begin() && std::prev(name)->text.ends_with('"');
}

bool ChatFormat::Region::CanHoldName(std::string_view tool) const {
  return !tool.empty() && tool.size() <= kLongestName &&
         (quotes_name() || std::ranges::all_of(tool, IsNameByte));
}

std::string ChatFormat::Region::SpellName(const std::string& tool) const {
  if (!quotes_name()) return tool;
  const std::string quoted = DumpJson(Json(tool));
  return quoted.substr(1, quoted.size() - 2);
}

std::string ChatFormat::Region::Opening() const {
  std::string text = begin;
  if (!call.empty() && call[0].kind == Piece::Kind::kText) text += call[0].text;
  return text;
}

Result<ChatFormat> ChatFormat::Parse(std::string_view name, std::string_view text) {
  HEARTH_TRY(const Json json, ParseJson(text));
  ChatFormat format;
  format.name = name;
  Reader fields(name, json);
  format.families = fields.Strings("families");
  format.hints = fields.Strings("hints");
  format.decides_first = fields.Bool("decides_first");
  format.silent = fields.Strings("silent");
  if (const Json* reasoning = fields.Take("reasoning")) {
    Reader inner(name, *reasoning);
    format.think_begin = inner.String("begin");
    format.think_end = inner.String("end");
    format.after_thinking = inner.String("after");
    format.thinks_anywhere = inner.Bool("anywhere");
    format.calls_end_thinking = inner.Bool("ended_by_calls");
    if (format.think_begin.empty() || format.think_end.empty()) {
      inner.Complain("reasoning needs begin and end");
    }
    HEARTH_CHECK_OK(inner.Done());
  }
  if (const Json* content = fields.Take("content")) {
    Reader inner(name, *content);
    format.content_begin = inner.String("begin");
    format.content_end = inner.String("end");
    HEARTH_CHECK_OK(inner.Done());
    for (const std::string& marker : {format.content_begin, format.content_end}) {
      if (!marker.empty()) format.silent.push_back(marker);
    }
  }
  if (const Json* preamble = fields.Take("preamble")) {
    Reader inner(name, *preamble);
    format.preamble_begin = inner.String("begin");
    format.preamble_end = inner.String("end");
    HEARTH_CHECK_OK(inner.Done());
  }
  if (const Json* arguments = fields.Take("arguments")) {
    Reader inner(name, *arguments);
    const std::string style = inner.String("style");
    inner.Pieces("parameter", format.parameter);
    format.quote = inner.String("quote");
    if (style == "tagged") {
      format.arguments = Arguments::kTagged;
      if (format.parameter.size() < 4) inner.Complain("tagged arguments need a parameter");
    } else if (style == "python") {
      format.arguments = Arguments::kPython;
    } else if (style == "braces") {
      format.arguments = Arguments::kBraces;
      if (format.quote.empty()) inner.Complain("arguments in braces need a quote");
    } else if (style != "json") {
      inner.Complain("style is none of json, tagged, python, braces");
    }
    HEARTH_CHECK_OK(inner.Done());
  }
  if (const Json* regions = fields.Take("regions")) {
    for (const Json& region : *regions) {
      HEARTH_TRY(Region parsed, ParseRegion(name, region));
      format.regions.push_back(std::move(parsed));
    }
  }
  if (format.regions.empty()) fields.Complain("no regions");
  HEARTH_CHECK_OK(fields.Done());
  return format;
}

ChatFormat ChatFormat::Bind(const model::Tokenizer& tokenizer) const {
  ChatFormat bound = *this;
  const auto mark = [&](std::string& text) { text = MarkControl(text, tokenizer, bound.control); };
  const auto mark_all = [&](std::vector<Piece>& pieces) {
    for (Piece& piece : pieces) mark(piece.text);
  };
  for (std::string* text :
       {&bound.think_begin, &bound.think_end, &bound.after_thinking, &bound.content_begin,
        &bound.content_end, &bound.preamble_begin, &bound.preamble_end, &bound.quote}) {
    mark(*text);
  }
  for (std::string& text : bound.silent) mark(text);
  mark_all(bound.parameter);
  for (Region& region : bound.regions) {
    for (std::string* text : {&region.begin, &region.separator, &region.end, &region.between}) {
      mark(*text);
    }
    for (std::string& trigger : region.triggers) mark(trigger);
    mark_all(region.call);
  }
  return bound;
}

std::vector<TokenId> ChatFormat::StrayTokens(const model::Tokenizer& tokenizer) const {
  std::vector<std::string> markers = silent;
  markers.insert(markers.end(), {think_begin, think_end, after_thinking, content_begin, content_end,
                                 preamble_begin, preamble_end});
  const auto has_place = [&](TokenId id) {
    const std::string marked =
        Concat(std::string(1, kControlBegin), tokenizer.bytes(id), std::string(1, kControlEnd));
    return tokenizer.IsEndOfTurn(id) ||
           std::ranges::any_of(markers, [&](const std::string& marker) {
             return marker.find(marked) != std::string::npos;
           });
  };
  std::vector<TokenId> stray;
  for (TokenId id = 0; static_cast<size_t>(id) < tokenizer.size(); ++id) {
    const bool says_nothing =
        tokenizer.IsControl(id) || tokenizer.kind(id) == model::TokenKind::kUnused;
    if (says_nothing && !has_place(id)) stray.push_back(id);
  }
  return stray;
}

const std::vector<ChatFormat>& BuiltinFormats() {
  static const std::vector<ChatFormat> formats = [] {
    std::vector<ChatFormat> all;
    for (const grammar::BuiltinDescription& one : grammar::BuiltinDescriptions()) {
      auto format = ChatFormat::Parse(one.name, one.json);
      assert(format.ok());  // the program's own data, and a test reads all of it
      all.push_back(*std::move(format));
    }
    return all;
  }();
  return formats;
}

const ChatFormat* FindFormat(std::string_view name) {
  const auto& all = BuiltinFormats();
  const auto found = std::ranges::find_if(all, [&](const ChatFormat& f) { return f.name == name; });
  return found == all.end() ? nullptr : &*found;
}

const ChatFormat& GenericFormat() { return *FindFormat("generic"); }

const ChatFormat& PlainTextFormat() {
  static const ChatFormat format = {.name = "plain text"};
  return format;
}

}  // namespace hearth::serving
