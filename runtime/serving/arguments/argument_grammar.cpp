#include "runtime/serving/arguments/argument_grammar.h"

#include <algorithm>
#include <map>

#include "runtime/serving/arguments/argument_reader.h"
#include "runtime/serving/arguments/argument_types.h"
#include "runtime/serving/text_match.h"

namespace hearth::serving {
namespace {

using Part = GrammarPart;
using Arguments = ChatFormat::Arguments;
using Kind = ChatFormat::Piece::Kind;

// No text holds a control token: a marker with one in it needs no watching for.
std::string Watched(std::string_view marker) {
  return marker.find(kControlBegin) == marker.npos ? std::string(marker) : "";
}

class ArgumentGrammar {
 public:
  ArgumentGrammar(grammar::GrammarBuilder& builder, const ChatFormat& format, const Json& root,
                  std::string_view closing)
      : b_(builder),
        format_(format),
        root_(root),
        types_(&root),
        closing_(closing),
        python_(format.arguments == Arguments::kPython) {}

  Result<Part> All() {
    if (format_.arguments == Arguments::kJson) return b_.JsonSchema(root_, kJsonStyle);
    HEARTH_TRY(document_, b_.AddDocument(root_));
    switch (format_.arguments) {
      case Arguments::kJson:
        break;
      case Arguments::kTagged:
        return Members(root_, Container::kTags, 0);
      case Arguments::kPython:
        return Members(root_, Container::kCall, 0);
      case Arguments::kBraces:
        return ObjectValue(root_, 0);
    }
    return b_.Choice({});
  }

 private:
  enum class Container : uint8_t { kTags, kCall, kObject };
  static constexpr int kDeepest = 12;        // of schemas inside each other
  static constexpr int kDeepestAny = 3;      // of values that no schema describes
  static constexpr uint32_t kMostFree = 32;  // arguments or members that no schema names

  const Json& Resolved(const Json& schema) const {
    const Json* at = &schema;
    for (int i = 0; i < kDeepest; ++i) {
      const Json* reference = FindMember(*at, "$ref");
      if (reference == nullptr || !reference->is_string()) break;
      const Json* target = types_.Resolve(reference->get_ref<const std::string&>());
      if (target == nullptr) break;
      at = target;
    }
    return *at;
  }

  // The schema, for values of these types alone.
  static Json Narrowed(const Json& schema, unsigned types) {
    Json names = Json::array();
    for (const auto& [type, name] : {std::pair{kNullType, "null"},
                                     {kBooleanType, "boolean"},
                                     {kNumberType, "number"},
                                     {kStringType, "string"},
                                     {kArrayType, "array"},
                                     {kObjectType, "object"}}) {
      if ((types & type) != 0) names.push_back(name);
    }
    return {{"allOf", Json::array({schema})}, {"type", std::move(names)}};
  }
  Result<Part> AsJson(const Json& schema, unsigned types) {
    return b_.JsonSchema(Narrowed(schema, types), kJsonStyle, document_);
  }

  // Named values in the order of the schema, then any others where it admits them.
  Result<Part> Members(const Json& given, Container container, int depth) {
    const Json& schema = Resolved(given);
    const Json* properties = FindMember(schema, "properties");
    const Json* required = FindMember(schema, "required");
    const Json* additional = FindMember(schema, "additionalProperties");
    const bool declares = properties != nullptr && properties->is_object() && !properties->empty();
    const bool closed =
        additional != nullptr && additional->is_boolean() && !additional->get<bool>();
    const bool open = !closed && (!declares || additional != nullptr);
    const Json any = Json::object();
    const Json& rest = additional != nullptr && additional->is_object() ? *additional : any;
    const char* comma = container == Container::kTags ? "" : python_ ? ", " : ",";

    // From the last to the first: what may follow, with or without something before it.
    Part after_some = b_.Literal("");
    Part after_none = b_.Literal("");
    if (open) {
      HEARTH_TRY(const Part member, Member("", rest, container, depth));
      const Part more = b_.Sequence({b_.Literal(comma), member});
      after_some = b_.Repeat(more, 0, kMostFree);
      after_none = b_.Optional(b_.Sequence({member, b_.Repeat(more, 0, kMostFree - 1)}));
    }
    std::vector<std::pair<std::string, const Json*>> names;
    if (declares) {
      for (const auto& property : properties->items()) {
        names.emplace_back(property.key(), &property.value());
      }
    }
    for (auto name = names.rbegin(); name != names.rend(); ++name) {
      const bool must = required != nullptr && required->is_array() &&
                        std::ranges::find(*required, Json(name->first)) != required->end();
      if (!CanHoldKey(name->first, container)) {
        if (must) return UnwritableKey(name->first);
        continue;
      }
      HEARTH_TRY(const Part member, Member(name->first, *name->second, container, depth));
      const Part with_comma = b_.Sequence({b_.Literal(comma), member, after_some});
      const Part without = b_.Sequence({member, after_some});
      after_none = must ? without : b_.Choice({without, after_none});
      after_some = must ? with_comma : b_.Choice({with_comma, after_some});
    }
    return after_none;
  }

  // Whether the reader of such arguments would find the name again.
  bool CanHoldKey(std::string_view name, Container container) const {
    if (python_ && container == Container::kObject) return true;  // between quotes
    if (name.empty() || name.size() > kLongestKey) return false;
    if (IsSpace(name.front()) || IsSpace(name.back())) return false;
    return name.find_first_of(Stops(container)) == name.npos &&
           (container == Container::kTags || python_ || !name.starts_with(format_.quote));
  }
  // What a name without quotes must not hold.
  std::string Stops(Container container) const {
    if (container == Container::kTags) {
      const auto& pieces = format_.parameter;
      const auto key = std::ranges::find(pieces, Kind::kKey, &ChatFormat::Piece::kind);
      const std::string_view after = std::next(key)->text;
      return {after[after.find_first_not_of(" \n\t\r")], kControlBegin};
    }
    return Concat(kNotInLiteralKey, python_ ? "=" : ":", kControlBegin);
  }
  Error UnwritableKey(const std::string& name) const {
    return MakeError(ErrorCode::kInvalidArgument, "parameter ", DumpJson(Json(name)),
                     ": this model (", format_.name,
                     ") writes names of parameters without quotes; give it one of 1 to ",
                     kLongestKey, " letters, digits and _ - .");
  }

  // One name and its value; an empty name stands for any.
  Result<Part> Member(const std::string& name, const Json& schema, Container container, int depth) {
    if (container == Container::kTags) return Tag(name, schema);
    HEARTH_TRY(const Part value, Value(schema, depth + 1));
    const bool quoted = python_ && container == Container::kObject;
    Part key;
    if (quoted && name.empty()) {
      HEARTH_TRY(key, b_.JsonSchema({{"type", "string"}}, kJsonStyle));
    } else {
      key = name.empty() ? Identifier() : b_.Literal(quoted ? DumpJson(Json(name)) : name);
    }
    const char* colon = container == Container::kCall ? "=" : python_ ? ": " : ":";
    return b_.Sequence({key, b_.Literal(colon), value});
  }

  Part Identifier() {
    std::vector<Part> letters;
    for (const char c :
         std::string_view("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")) {
      letters.push_back(b_.Literal({&c, 1}));
    }
    constexpr uint32_t kLongest = 64;
    return b_.Repeat(b_.Choice(letters), 1, kLongest);
  }

  Result<Part> Tag(const std::string& name, const Json& schema) {
    const bool says = std::ranges::any_of(
        format_.parameter, [](const auto& piece) { return piece.kind == Kind::kIsString; });
    const unsigned types = types_.Admits(schema);
    // Where nothing says which it is, a text that may be a string is one unless it looks like what
    // no string would (ValueFromText).
    const unsigned others = (types & kStringType) == 0 || says || types == kAnyType
                                ? types & ~kStringType
                                : types & (kNullType | kArrayType | kObjectType);
    std::vector<Part> raw, json;
    if ((types & kStringType) != 0) {
      HEARTH_TRY(const Part value, RawString(schema));
      raw.push_back(value);
    }
    if (others != 0) {
      HEARTH_TRY(const Part value, AsJson(schema, others));
      (says ? json : raw).push_back(value);
    }
    std::vector<Part> ways;
    if (!raw.empty()) ways.push_back(TagWith(name, b_.Choice(raw), (types & kStringType) != 0));
    if (!json.empty()) ways.push_back(TagWith(name, b_.Choice(json), false));
    return b_.Choice(ways);
  }

  Part TagWith(const std::string& name, Part value, bool is_string) {
    std::vector<Part> parts;
    for (const auto& piece : format_.parameter) {
      switch (piece.kind) {
        case Kind::kKey:
          parts.push_back(name.empty() ? Identifier() : b_.Literal(name));
          break;
        case Kind::kIsString:
          parts.push_back(b_.Literal(is_string ? "true" : "false"));
          break;
        case Kind::kValue:
          parts.push_back(value);
          break;
        default:
          parts.push_back(TextPart(b_, format_, piece.text));
          break;
      }
    }
    return b_.Sequence(parts);
  }

  // A string without quotes, up to the tag behind it (with or without the space before the tag).
  Result<Part> RawString(const Json& schema) {
    const auto& pieces = format_.parameter;
    std::string_view stop = closing_;
    for (size_t i = 0; i + 1 < pieces.size(); ++i) {
      if (pieces[i].kind == Kind::kValue) stop = pieces[i + 1].text;
    }
    stop.remove_prefix(std::min(stop.find_first_not_of(" \n\t\r"), stop.size()));
    while (!stop.empty() && IsSpace(stop.back())) stop.remove_suffix(1);
    return b_.BareStrings(schema, {Watched(stop)}, document_);
  }

  // A value in the family's own literals.
  Result<Part> Value(const Json& given, int depth) {
    if (depth > kDeepest) return Any(kDeepestAny);
    const Json& schema = Resolved(given);
    if (!schema.is_object() || schema.empty()) return Any(0);
    const unsigned types = types_.Admits(given);
    if ((types & ~(kStringType | kNumberType)) == 0) return OfTypes(types, given, depth);
    if (&schema == &given) return Described(schema, depth);
    // What a reference names is one part, wherever and however deep inside itself it is meant.
    const auto known = named_.find(&schema);
    if (known != named_.end()) return known->second;
    const Part part = named_[&schema] = b_.Forward();
    HEARTH_TRY(const Part body, Described(schema, depth));
    b_.Define(part, body);
    return part;
  }

  Result<Part> Described(const Json& schema, int depth) {
    std::vector<Part> ways;
    const unsigned types = types_.Admits(schema);
    const Json* values = FindMember(schema, "enum");
    const Json* value = FindMember(schema, "const");
    if (value != nullptr || (values != nullptr && values->is_array())) {
      const Json one = Json::array({value != nullptr ? *value : Json()});
      for (const Json& listed : value != nullptr ? one : *values) {
        if (!listed.is_string()) ways.push_back(Constant(listed));
      }
      if ((types & kStringType) != 0) {
        HEARTH_TRY(const Part way, String(schema));
        ways.push_back(way);
      }
      return b_.Choice(ways);
    }
    // Numbers and strings obey the whole schema, its branches included.
    for (const char* keyword : {"anyOf", "oneOf", "allOf"}) {
      const Json* branches = FindMember(schema, keyword);
      const bool counts = branches != nullptr && branches->is_array() && !branches->empty() &&
                          (types & (kArrayType | kObjectType)) != 0 &&
                          (std::string_view(keyword) != "allOf" || branches->size() == 1);
      if (!counts) continue;
      for (const Json& branch : *branches) {
        HEARTH_TRY(const Part way, Value(branch, depth + 1));
        ways.push_back(way);
      }
      return b_.Choice(ways);
    }
    return OfTypes(types, schema, depth);
  }

  Result<Part> OfTypes(unsigned types, const Json& schema, int depth) {
    std::vector<Part> ways;
    for (const unsigned type :
         {kNullType, kBooleanType, kNumberType, kStringType, kArrayType, kObjectType}) {
      if ((types & type) == 0) continue;
      HEARTH_TRY(const Part way, OfType(type, schema, depth));
      ways.push_back(way);
    }
    return b_.Choice(ways);
  }

  Result<Part> OfType(unsigned type, const Json& schema, int depth) {
    switch (type) {
      case kNullType:
        return Constant(Json());
      case kBooleanType:
        return b_.Choice({Constant(Json(true)), Constant(Json(false))});
      case kNumberType:
        return AsJson(schema, kNumberType);
      case kStringType:
        return String(schema);
      case kArrayType:
        return ArrayValue(schema, depth);
      default:
        return ObjectValue(schema, depth);
    }
  }

  Result<Part> String(const Json& schema) {
    if (python_) return AsJson(schema, kStringType);
    const Part quote = TextPart(b_, format_, format_.quote);
    HEARTH_TRY(const Part inside, b_.BareStrings(schema, {Watched(format_.quote)}, document_));
    return b_.Sequence({quote, inside, quote});
  }

  Result<Part> ArrayValue(const Json& schema, int depth) {
    const auto bound = [&](const char* keyword, uint32_t otherwise) {
      const Json* value = FindMember(schema, keyword);
      if (value == nullptr || !value->is_number_integer() || *value < 0) return otherwise;
      return static_cast<uint32_t>(std::min<int64_t>(value->get<int64_t>(), UINT32_MAX));
    };
    constexpr uint32_t kNone = grammar::GrammarBuilder::kUnlimited;
    const uint32_t least = bound("minItems", 0), most = bound("maxItems", kNone);
    const Json* items = FindMember(schema, "items");
    HEARTH_TRY(const Part item, items != nullptr ? Value(*items, depth + 1) : Any(depth + 1));
    const Part rest =
        b_.Repeat(b_.Sequence({b_.Literal(python_ ? ", " : ","), item}), least > 0 ? least - 1 : 0,
                  most == kNone ? kNone
                  : most == 0   ? 0
                                : most - 1);
    const Part some = b_.Sequence({item, rest});
    const Part inside = most == 0 ? b_.Literal("") : least > 0 ? some : b_.Optional(some);
    return b_.Sequence({b_.Literal("["), inside, b_.Literal("]")});
  }

  Result<Part> ObjectValue(const Json& schema, int depth) {
    HEARTH_TRY(const Part members, Members(schema, Container::kObject, depth));
    return b_.Sequence({b_.Literal("{"), members, b_.Literal("}")});
  }

  // What no schema describes, nested so deep.
  Result<Part> Any(int depth) {
    const Json none = Json::object();
    std::vector<Part> ways;
    for (const unsigned type : {kNullType, kBooleanType, kNumberType, kStringType}) {
      HEARTH_TRY(const Part way, OfType(type, none, depth));
      ways.push_back(way);
    }
    if (depth >= kDeepestAny) return b_.Choice(ways);
    if (any_.size() <= static_cast<size_t>(depth)) any_.resize(kDeepestAny, kNoPart);
    Part& kept = any_[static_cast<size_t>(depth)];
    if (kept != kNoPart) return kept;
    HEARTH_TRY(const Part item, Any(depth + 1));
    HEARTH_TRY(Part key, b_.JsonSchema({{"type", "string"}}, kJsonStyle));
    if (!python_) key = Identifier();
    const Part comma = b_.Literal(python_ ? ", " : ",");
    const Part pair = b_.Sequence({key, b_.Literal(python_ ? ": " : ":"), item});
    for (const auto& [open, one, close] :
         {std::tuple{"[", item, "]"}, std::tuple{"{", pair, "}"}}) {
      const Part more = b_.Repeat(b_.Sequence({comma, one}), 0);
      ways.push_back(b_.Sequence(
          {b_.Literal(open), b_.Optional(b_.Sequence({one, more})), b_.Literal(close)}));
    }
    return kept = b_.Choice(ways);
  }

  Part Constant(const Json& value) {
    std::string text;
    Write(value, text);
    return TextPart(b_, format_, text);
  }
  void Write(const Json& value, std::string& out) const {
    if (value.is_string()) {
      out += python_ ? DumpJson(value)
                     : Concat(format_.quote, value.get<std::string>(), format_.quote);
    } else if (python_ && value.is_boolean()) {
      out += value.get<bool>() ? "True" : "False";
    } else if (python_ && value.is_null()) {
      out += "None";
    } else if (!value.is_structured()) {
      out += DumpJson(value);
    } else {
      out += value.is_array() ? "[" : "{";
      const char* between = "";
      for (const auto& member : value.items()) {
        out += between;
        between = python_ ? ", " : ",";
        if (value.is_object()) {
          out += python_ ? DumpJson(Json(member.key())) + ": " : member.key() + ":";
        }
        Write(member.value(), out);
      }
      out += value.is_array() ? "]" : "}";
    }
  }

  static constexpr Part kNoPart = UINT32_MAX;

  grammar::GrammarBuilder& b_;
  const ChatFormat& format_;
  const Json& root_;
  const ArgumentTypes types_;
  const std::string_view closing_;
  const bool python_;
  grammar::GrammarBuilder::Document document_ = nullptr;
  std::map<const Json*, Part> named_;  // schemas that references name
  std::vector<Part> any_;              // by depth
};

}  // namespace

GrammarPart TextPart(grammar::GrammarBuilder& builder, const ChatFormat& format,
                     std::string_view text) {
  std::vector<Part> parts;
  while (!text.empty()) {
    if (text[0] == kControlBegin) {
      const size_t end = text.find(kControlEnd);
      parts.push_back(builder.Token(format.control.find(text.substr(1, end - 1))->second));
      text.remove_prefix(end + 1);
      continue;
    }
    const size_t end = std::min(text.find(kControlBegin), text.size());
    parts.push_back(builder.Literal(text.substr(0, end)));
    text.remove_prefix(end);
  }
  return parts.size() == 1 ? parts[0] : builder.Sequence(parts);
}

GrammarPart FreeText(grammar::GrammarBuilder& builder, const std::vector<std::string>& stops) {
  std::vector<std::string> texts;
  for (const std::string& stop : stops) texts.push_back(Watched(stop));
  return builder.TextUntil(texts);
}

Result<GrammarPart> ArgumentsPart(grammar::GrammarBuilder& builder, const ChatFormat& format,
                                  const Json& parameters, std::string_view closing) {
  return ArgumentGrammar(builder, format, parameters, closing).All();
}

}  // namespace hearth::serving
