#include "tools/toolset.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "runtime/base/log.h"
#include "runtime/base/text.h"

namespace hearth::tools {
namespace {

bool IsToolName(std::string_view name) {
  return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
  });
}

}  // namespace

Status Toolset::Add(Tool tool) {
  const auto refuse = [&](const std::string& why) {
    return MakeError(ErrorCode::kInvalidArgument, "tool '", Clip(OneLine(tool.name), 64),
                     "': ", why);
  };
  if (!IsToolName(tool.name)) {
    return refuse("a name has 1 to 64 letters, digits, '_', '-' or '.'");
  }
  if (Find(tool.name) != nullptr) return refuse("there is another tool of that name");
  if (!tool.handler) return refuse("it has no handler");
  const Json* type = FindMember(tool.parameters, "type");
  if (type == nullptr || *type != "object")
    return refuse("its parameters' type must be \"object\"");
  const auto schema = ArgumentSchema::Compile(tool.parameters);
  if (!schema.ok()) {
    return MakeError(schema.error().code, "tool '", tool.name, "': ", schema.error().message);
  }
  entries_.push_back({std::move(tool), *schema});
  return {};
}

const Toolset::Entry* Toolset::FindEntry(std::string_view name) const {
  const auto found = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const Entry& entry) { return entry.tool.name == name; });
  return found == entries_.end() ? nullptr : &*found;
}

const Tool* Toolset::Find(std::string_view name) const {
  const Entry* entry = FindEntry(name);
  return entry == nullptr ? nullptr : &entry->tool;
}

Json Toolset::ToFunctionsJson() const {
  Json functions = Json::array();
  ForEach([&](const Tool& tool) { functions.push_back(ToFunctionJson(tool)); });
  return functions;
}

Status Toolset::Check(std::string_view name, const Json& arguments) const {
  if (const Entry* entry = FindEntry(name)) return entry->schema.Validate(arguments);
  std::string known;
  ForEach([&](const Tool& tool) { known += (known.empty() ? "" : ", ") + tool.name; });
  return MakeError(ErrorCode::kNotFound, "there is no tool '", Clip(OneLine(name), 64), "'; ",
                   known.empty() ? "there are none" : "the tools are " + known);
}

ToolResult Toolset::Call(std::string_view name, const Json& arguments,
                         const ToolContext& context) const {
  if (const Status status = Check(name, arguments); !status.ok()) {
    return ToolResult::Failure(status.error().message);
  }
  if (context.stop.stop_requested()) return ToolResult::Failure("the call was cancelled");
  const Tool& tool = FindEntry(name)->tool;
  try {
    auto result = tool.handler({arguments, context});
    if (result.ok()) return *std::move(result);
    if (result.error().code == ErrorCode::kInternal) {
      Log(LogLevel::kError, "tool ", tool.name, ": ", result.error().message);
    }
    return ToolResult::Failure(result.error().message);
  } catch (const std::exception& exception) {
    Log(LogLevel::kError, "tool ", tool.name, " threw: ", exception.what());
    return ToolResult::Failure(
        Concat("the tool ", tool.name, " failed inside; it may work another way"));
  }
}

}  // namespace hearth::tools
