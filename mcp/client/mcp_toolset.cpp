#include "mcp/mcp_toolset.h"

#include <algorithm>
#include <array>

#include "mcp/client/tool_names.h"
#include "runtime/base/text.h"
#include "runtime/base/unicode.h"

namespace hearth::mcp {
namespace {

constexpr size_t kMostText = 40'000;        // of a result, in bytes
constexpr size_t kMostDescription = 2'000;  // of a tool, in bytes

// Keywords that stay as they are, and those whose values are schemas again.
constexpr std::array<const char*, 14> kPlain = {
    "type",      "title",    "description", "default",          "examples",
    "minimum",   "maximum",  "minLength",   "exclusiveMinimum", "exclusiveMaximum",
    "maxLength", "minItems", "maxItems",    "required"};

std::string TextOf(const Json& object, const char* name) {
  const Json* value = FindMember(object, name);
  return value != nullptr && value->is_string() ? value->get<std::string>() : std::string();
}

bool HintOf(const Json& annotations, const char* name, bool otherwise) {
  const Json* value = FindMember(annotations, name);
  return value != nullptr && value->is_boolean() ? value->get<bool>() : otherwise;
}

// At most `most` bytes, cut between characters.
std::string Cut(const std::string& text, size_t most) {
  if (text.size() <= most) return text;
  size_t end = most;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end);
}

// What a content block says to a model.
std::string Say(const Json& block) {
  const std::string type = TextOf(block, "type");
  if (type == "text") return TextOf(block, "text");
  if (type == "image" || type == "audio") {
    return Concat("[", type, ", ", TextOf(block, "mimeType"), ", about ",
                  TextOf(block, "data").size() * 3 / 4 / 1024, " kB]");
  }
  if (type == "resource_link") {
    return Concat("[resource ", TextOf(block, "uri"), " ", TextOf(block, "description"), "]");
  }
  if (type == "resource") {
    const Json* resource = FindMember(block, "resource");
    if (resource == nullptr) return "[an empty resource]";
    const std::string text = TextOf(*resource, "text");
    return text.empty() ? Concat("[resource ", TextOf(*resource, "uri"), "]") : text;
  }
  return Concat("[content of the kind '", Clip(OneLine(type), 40), "']");
}

bool IsScalarList(const Json& value) {
  return value.is_array() && !value.empty() &&
         std::ranges::none_of(value, [](const Json& entry) { return entry.is_structured(); });
}

}  // namespace

Json WidenSchema(const Json& schema) {
  if (!schema.is_object()) return Json::object();
  Json wide = Json::object();
  for (const char* name : kPlain) {
    if (const Json* value = FindMember(schema, name)) wide[name] = *value;
  }
  const Json* allowed = FindMember(schema, "enum");
  if (allowed != nullptr && IsScalarList(*allowed)) wide["enum"] = *allowed;
  const Json* only = FindMember(schema, "const");
  if (only != nullptr && !only->is_structured() && !wide.contains("enum")) wide["const"] = *only;
  if (const Json* items = FindMember(schema, "items")) wide["items"] = WidenSchema(*items);
  if (const Json* properties = FindMember(schema, "properties")) {
    wide["properties"] = Json::object();
    if (properties->is_object()) {
      for (const auto& [name, property] : properties->items()) {
        wide["properties"][name] = WidenSchema(property);
      }
    }
  }
  // Names that a pattern or a composition allows are none of the properties here.
  const Json* closed = FindMember(schema, "additionalProperties");
  const bool composed = schema.contains("patternProperties") || schema.contains("allOf") ||
                        schema.contains("anyOf") || schema.contains("oneOf") ||
                        schema.contains("$ref");
  if (closed != nullptr && *closed == false && !composed) wide["additionalProperties"] = false;
  return wide;
}

tools::ToolResult ToToolResult(const Json& result, bool trusted) {
  tools::ToolResult out;
  out.trust = trusted ? memory::Trust::kTrusted : memory::Trust::kUntrusted;
  const Json* is_error = FindMember(result, "isError");
  out.is_error = is_error != nullptr && *is_error == true;
  if (const Json* content = FindMember(result, "content"); content != nullptr) {
    for (const Json& block : *content) {
      out.text += (out.text.empty() ? "" : "\n") + Say(block);
    }
  }
  if (const Json* structured = FindMember(result, "structuredContent")) {
    out.structured = *structured;
    if (out.text.empty()) out.text = DumpJson(*structured);
  }
  if (out.text.size() > kMostText) {
    const size_t whole = out.text.size();
    out.text = Cut(out.text, kMostText) +
               Concat("\n[cut: ", whole - kMostText, " of ", whole, " bytes are not shown]");
  }
  if (out.text.empty()) out.text = out.is_error ? "The tool failed and gave no reason." : "Done.";
  return out;
}

namespace {

tools::Tool Wrap(Client& client, const RemoteTool& remote, const std::string& name, bool trusted,
                 const ConfirmCall& confirm) {
  tools::Tool tool;
  tool.name = name;
  tool.title = remote.title;
  tool.description = Cut(remote.description, kMostDescription);
  tool.parameters = WidenSchema(remote.input);
  if (!tool.parameters.contains("properties")) tool.parameters["properties"] = Json::object();
  tool.annotations = {.read_only = HintOf(remote.annotations, "readOnlyHint", false),
                      .destructive = HintOf(remote.annotations, "destructiveHint", true),
                      .idempotent = HintOf(remote.annotations, "idempotentHint", false),
                      .open_world = HintOf(remote.annotations, "openWorldHint", true)};
  // Hints are a stranger's word: good enough to ask once more than needed, not to call twice.
  tool.durability = tools::Durability::kOnce;
  tool.handler = [&client, remote_name = remote.name, name, trusted,
                  confirm](const tools::ToolCall& call) -> Result<tools::ToolResult> {
    if (confirm && !confirm(name, call.arguments)) {
      return tools::ToolResult::Failure("The user did not allow this call; nothing was done.");
    }
    HEARTH_TRY(const Json result, client.CallTool(remote_name, call.arguments, call.context.stop));
    return ToToolResult(result, trusted);
  };
  return tool;
}

tools::Tool ReadResourceTool(Client& client, const std::string& name, bool trusted) {
  tools::Tool tool;
  tool.name = name;
  tool.title = "Read a resource";
  tool.description = "Read a resource of the server '" + client.name() +
                     "'. Without a uri: the list of its resources.";
  tool.parameters = {{"type", "object"},
                     {"additionalProperties", false},
                     {"properties", {{"uri", {{"type", "string"}}}}}};
  tool.annotations = {.read_only = true, .open_world = true};
  tool.handler = [&client, trusted](const tools::ToolCall& call) -> Result<tools::ToolResult> {
    const std::string uri = TextOf(call.arguments, "uri");
    Json content = Json::array();
    if (uri.empty()) {
      HEARTH_TRY(const auto resources, client.List("resources/list", "resources"));
      for (const Json& resource : resources) {
        content.push_back(
            {{"type", "text"}, {"text", TextOf(resource, "uri") + " " + TextOf(resource, "name")}});
      }
    } else {
      HEARTH_TRY(const Json result,
                 client.Request("resources/read", {{"uri", uri}}, call.context.stop));
      if (const Json* contents = FindMember(result, "contents")) {
        for (const Json& part : *contents) {
          content.push_back({{"type", "resource"}, {"resource", part}});
        }
      }
    }
    return ToToolResult({{"content", std::move(content)}}, trusted);
  };
  return tool;
}

tools::Tool GetPromptTool(Client& client, const std::string& name, bool trusted) {
  tools::Tool tool;
  tool.name = name;
  tool.title = "Fetch a prompt";
  tool.description = "Fetch a prompt of the server '" + client.name() +
                     "' by its name. Without a name: the list of its prompts.";
  tool.parameters = {
      {"type", "object"},
      {"additionalProperties", false},
      {"properties", {{"name", {{"type", "string"}}}, {"arguments", {{"type", "object"}}}}}};
  tool.annotations = {.read_only = true, .open_world = true};
  tool.handler = [&client, trusted](const tools::ToolCall& call) -> Result<tools::ToolResult> {
    const std::string prompt = TextOf(call.arguments, "name");
    Json content = Json::array();
    if (prompt.empty()) {
      HEARTH_TRY(const auto prompts, client.List("prompts/list", "prompts"));
      for (const Json& entry : prompts) {
        content.push_back({{"type", "text"},
                           {"text", TextOf(entry, "name") + ": " + TextOf(entry, "description")}});
      }
    } else {
      const Json* arguments = FindMember(call.arguments, "arguments");
      HEARTH_TRY(const Json result,
                 client.Request("prompts/get",
                                {{"name", prompt},
                                 {"arguments", arguments == nullptr ? Json::object() : *arguments}},
                                call.context.stop));
      if (const Json* messages = FindMember(result, "messages")) {
        for (const Json& message : *messages) {
          if (const Json* part = FindMember(message, "content")) content.push_back(*part);
        }
      }
    }
    return ToToolResult({{"content", std::move(content)}}, trusted);
  };
  return tool;
}

}  // namespace

Status AddServerTools(tools::Toolset& toolset, Client& client, const McpServerConfig& config,
                      ToolPins& pins, const ConfirmCall& confirm,
                      std::vector<std::string>& warnings) {
  HEARTH_TRY(const auto all, client.ListTools(warnings));
  std::vector<std::string> changed;
  std::vector<RemoteTool> usable = pins.Check(config.name, all, changed);
  for (const std::string& name : changed) {
    warnings.push_back(Concat("MCP server '", config.name, "': the tool '", Clip(OneLine(name), 60),
                              "' has changed since it was approved and is not used; look at it "
                              "(hearth mcp tools ",
                              config.name, "), then: hearth mcp approve ", config.name));
  }
  if (!config.tools.empty()) {
    std::erase_if(usable, [&](const RemoteTool& tool) {
      return std::ranges::find(config.tools, tool.name) == config.tools.end();
    });
  }
  std::vector<std::string> remote_names;
  for (const RemoteTool& tool : usable) remote_names.push_back(tool.name);
  const Json capabilities = client.capabilities();
  const bool has_resources = capabilities.contains("resources");
  const bool has_prompts = capabilities.contains("prompts");
  // Where a tool of the server has such a name, both get a hash behind it.
  if (has_resources) remote_names.push_back("read_resource");
  if (has_prompts) remote_names.push_back("get_prompt");
  const std::vector<std::string> names = NameTools(config.name, remote_names);
  const auto add = [&](tools::Tool tool) {
    if (const Status status = toolset.Add(std::move(tool)); !status.ok()) {
      warnings.push_back(
          Concat("MCP server '", config.name, "': left out: ", status.error().message));
    }
  };
  for (size_t i = 0; i < usable.size(); ++i) {
    const bool allowed =
        config.trusted || std::ranges::find(config.allow, usable[i].name) != config.allow.end();
    add(Wrap(client, usable[i], names[i], config.trusted, allowed ? ConfirmCall() : confirm));
  }
  size_t next = usable.size();
  if (has_resources) add(ReadResourceTool(client, names[next++], config.trusted));
  if (has_prompts) add(GetPromptTool(client, names[next++], config.trusted));
  return {};
}

}  // namespace hearth::mcp
