#include "runtime/serving/call_writer.h"

namespace hearth::serving {
namespace {

using Piece = ChatFormat::Piece;
using Arguments = ChatFormat::Arguments;

// How a family writes a value inside its arguments.
struct ValueStyle {
  std::string quote = "\"";
  bool escapes = true;
  bool python = false;
  bool bare_keys = false;
  const char* comma = ", ";
  const char* colon = ": ";
};

ValueStyle StyleOf(const ChatFormat& format) {
  switch (format.arguments) {
    case Arguments::kPython:
      return {.python = true};
    case Arguments::kBraces:
      return {
          .quote = format.quote, .escapes = false, .bare_keys = true, .comma = ",", .colon = ":"};
    case Arguments::kJson:
    case Arguments::kTagged:
      break;
  }
  return {};
}

void WriteValue(const Json& value, const ValueStyle& style, std::string& out) {
  if (value.is_string()) {
    const auto text = value.get_ref<const std::string&>();
    out += style.escapes ? DumpJson(value) : Concat(style.quote, text, style.quote);
  } else if (value.is_object() || value.is_array()) {
    out += value.is_object() ? '{' : '[';
    bool first = true;
    for (const auto& member : value.items()) {
      if (!first) out += style.comma;
      first = false;
      if (value.is_object()) {
        out += style.bare_keys ? member.key() : DumpJson(Json(member.key()));
        out += style.colon;
      }
      WriteValue(member.value(), style, out);
    }
    out += value.is_object() ? '}' : ']';
  } else if (style.python && value.is_boolean()) {
    out += value.get<bool>() ? "True" : "False";
  } else if (style.python && value.is_null()) {
    out += "None";
  } else {
    out += DumpJson(value);
  }
}

std::string WriteTagged(const ChatFormat& format, const Json& arguments) {
  std::string out;
  for (const auto& argument : arguments.items()) {
    const Json& value = argument.value();
    for (const Piece& piece : format.parameter) {
      if (piece.kind == Piece::Kind::kKey) {
        out += argument.key();
      } else if (piece.kind == Piece::Kind::kIsString) {
        out += value.is_string() ? "true" : "false";
      } else if (piece.kind == Piece::Kind::kValue) {
        out += value.is_string() ? value.get<std::string>() : DumpSpaced(value);
      } else {
        out += piece.text;
      }
    }
  }
  return out;
}

std::string WriteArguments(const ChatFormat& format, const Json& arguments) {
  switch (format.arguments) {
    case Arguments::kJson:
      return DumpSpaced(arguments);
    case Arguments::kTagged:
      return WriteTagged(format, arguments);
    case Arguments::kBraces:
      break;
    case Arguments::kPython: {
      std::string out;
      for (const auto& argument : arguments.items()) {
        out += (out.empty() ? "" : ", ") + argument.key() + "=";
        WriteValue(argument.value(), StyleOf(format), out);
      }
      return out;
    }
  }
  std::string out;
  WriteValue(arguments, StyleOf(format), out);
  return out;
}

std::string WriteCall(const ChatFormat& format, const ChatFormat::Region& region,
                      const ToolCall& call, size_t index) {
  const std::vector<Piece>& pieces = region.call;
  std::string out;
  for (size_t i = 0; i < pieces.size(); ++i) {
    switch (pieces[i].kind) {
      case Piece::Kind::kName:
        out += region.SpellName(call.name);
        break;
      case Piece::Kind::kArguments:
        out += WriteArguments(format, call.arguments);
        break;
      case Piece::Kind::kId:
        out += call.id;
        break;
      case Piece::Kind::kIndex:
        out += std::to_string(index);
        break;
      case Piece::Kind::kOptional:
        if (call.id.empty()) i += pieces[i].count;
        break;
      default:
        out += pieces[i].text;
        break;
    }
  }
  return out;
}

}  // namespace

std::string DumpSpaced(const Json& value) {
  std::string out;
  WriteValue(value, {}, out);
  return out;
}

std::string WriteRegion(const ChatFormat& format, const ChatFormat::Region& region,
                        const std::vector<ToolCall>& calls) {
  std::string text = region.begin;
  for (size_t i = 0; i < calls.size(); ++i) {
    if (i > 0) text += region.is_list() ? region.separator : region.between;
    text += WriteCall(format, region, calls[i], i);
  }
  return WithoutControlMarks(text + region.end);
}

std::string WriteCalls(const ChatFormat& format, const std::vector<ToolCall>& calls) {
  return WriteRegion(format, format.regions[0], calls);
}

std::string DescribeTools(const ToolSchemas& tools) {
  std::string text = "You have these tools:\n";
  for (const Json& tool : tools) {
    const Json& function = tool.at("function");
    std::string arguments;
    const Json* parameters = FindMember(function, "parameters");
    const Json* properties =
        parameters != nullptr ? FindMember(*parameters, "properties") : nullptr;
    if (properties != nullptr) {
      for (const auto& [name, schema] : properties->items()) {
        arguments += (arguments.empty() ? "" : ", ") + name;
      }
    }
    text += Concat("- ", function.at("name").get<std::string>(), "(", arguments, ")");
    if (const Json* description = FindMember(function, "description")) {
      text += Concat(": ", description->get<std::string>());
    }
    text += "\n";
  }
  return text + "After a tool's response, tell the user in one short sentence what happened.";
}

}  // namespace hearth::serving
