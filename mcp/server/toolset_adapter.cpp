#include "mcp/toolset_adapter.h"

#include <map>
#include <mutex>
#include <utility>

#include "mcp/jsonrpc/json_text.h"
#include "mcp/security/base64.h"
#include "mcp/server/call.h"

namespace hearth::mcp {

Json StrokeIcon(std::string_view strokes) {
  const std::string svg = Concat(
      "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24' fill='none' stroke='#888' "
      "stroke-width='2'><path d='",
      strokes, "'/></svg>");
  return Json::array({{{"src", "data:image/svg+xml;base64," + Base64(svg)},
                       {"mimeType", "image/svg+xml"},
                       {"sizes", {"any"}}}});
}

namespace {

Json IconFor(const tools::ToolAnnotations& annotations) {
  if (annotations.destructive) return StrokeIcon("M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13");
  if (annotations.read_only) return StrokeIcon("M4 6h16M4 12h16M4 18h10");
  return StrokeIcon("M4 12l5 5L20 6");
}

Json Describe(const tools::Tool& tool, const ToolsetOptions& options) {
  Json schema = tool.parameters;
  if (!schema.contains("properties")) schema["properties"] = Json::object();
  for (auto& [name, property] : schema["properties"].get_ref<Json::object_t&>()) {
    const auto found = options.descriptions.find({tool.name, name});
    if (found != options.descriptions.end() && !property.contains("description")) {
      property["description"] = found->second;
    }
  }
  return schema;
}

// What the user said to a question before a destructive call.
bool SaidYes(const Json& answer) {
  const Json* action = FindMember(answer, "action");
  const Json* content = FindMember(answer, "content");
  const Json* confirmed = content == nullptr ? nullptr : FindMember(*content, "confirm");
  return action != nullptr && *action == "accept" && confirmed != nullptr && *confirmed == true;
}

Question AskToConfirm(const std::string& message) {
  const Json confirm = {
      {"type", "boolean"}, {"title", "Do it"}, {"description", message}, {"default", false}};
  const Json schema = {{"type", "object"},
                       {"properties", {{"confirm", confirm}}},
                       {"required", Json::array({"confirm"})}};
  return {"confirm", "elicitation/create", {{"message", message}, {"requestedSchema", schema}}};
}

ToolReply ToReply(tools::ToolResult result) {
  ToolReply reply;
  reply.is_error = result.is_error;
  const bool structured = !result.is_error && !result.structured.is_null();
  reply.text = structured ? WriteJson(result.structured) : std::move(result.text);
  if (structured) reply.structured = std::move(result.structured);
  return reply;
}

// What the calls of one tool gave while the store was as it is.
class KeptResults {
 public:
  // The result for these arguments, or null.
  std::shared_ptr<const std::string> Find(uint64_t version, const std::string& arguments) {
    const std::lock_guard lock(mutex_);
    if (version != version_) {
      results_.clear();
      version_ = version;
    }
    const auto found = results_.find(arguments);
    return found == results_.end() ? nullptr : found->second;
  }
  void Keep(uint64_t version, const std::string& arguments,
            std::shared_ptr<const std::string> written) {
    constexpr size_t kMost = 8;
    const std::lock_guard lock(mutex_);
    if (version != version_ || results_.size() >= kMost) return;
    results_[arguments] = std::move(written);
  }

 private:
  std::mutex mutex_;
  uint64_t version_ = 0;
  std::map<std::string, std::shared_ptr<const std::string>> results_;  // by arguments
};

using Handler = std::function<Result<ToolReply>(const Json&, Request&)>;

Handler Keep(Handler handler, std::function<std::optional<uint64_t>()> version) {
  return [handler = std::move(handler), version = std::move(version),
          kept = std::make_shared<KeptResults>()](const Json& arguments,
                                                  Request& request) -> Result<ToolReply> {
    // Asked before the tool reads: what changes meanwhile makes the next call read again.
    const auto now = version();
    const std::string key = WriteJson(arguments);
    if (now) {
      if (auto written = kept->Find(*now, key)) {
        ToolReply reply;
        reply.written = std::move(written);
        return reply;
      }
    }
    auto reply = handler(arguments, request);
    if (reply.ok() && now && !reply->is_error) {
      reply->written = std::make_shared<const std::string>(WriteMembers(*reply));
      kept->Keep(*now, key, reply->written);
    }
    return reply;
  };
}

}  // namespace

Status AddToolset(Server& server, const tools::Toolset& toolset, const Clock& clock,
                  const ToolsetOptions& options) {
  Status status;
  toolset.ForEach([&](const tools::Tool& tool) {
    if (!status.ok()) return;
    ServerTool offered;
    offered.name = tool.name;
    offered.title = tool.title;
    offered.description = tool.description;
    offered.input = Describe(tool, options);
    offered.output = tool.output;
    offered.annotations = {{"title", tool.title},
                           {"readOnlyHint", tool.annotations.read_only},
                           {"destructiveHint", tool.annotations.destructive},
                           {"idempotentHint", tool.annotations.idempotent},
                           {"openWorldHint", tool.annotations.open_world}};
    offered.icons = IconFor(tool.annotations);
    const auto meta = options.meta.find(tool.name);
    if (meta != options.meta.end()) offered.meta = meta->second;
    offered.read_only = tool.annotations.read_only;
    offered.run = tool.annotations.destructive ? ServerTool::Run::kAsks : ServerTool::Run::kInline;
    if (!tool.examples.empty()) offered.example = tool.examples.front().arguments;
    offered.handler = [&toolset, &clock, &tool, options](const Json& arguments,
                                                         Request& request) -> Result<ToolReply> {
      if (tool.annotations.destructive && options.confirm && request.CanAsk("elicitation/create")) {
        if (const std::string message = options.confirm(tool, arguments); !message.empty()) {
          const Question question = AskToConfirm(message);
          HEARTH_TRY(const auto answers, request.Ask({&question, 1}));
          if (!SaidYes(answers[0])) {
            return ToolReply::Failure("The user did not agree; nothing was done.");
          }
        }
      }
      const tools::ToolContext context{.clock = clock,
                                       .repository = options.repository,
                                       .writer = options.writer,
                                       .call_id = request.call_id(),
                                       .stop = request.stop()};
      return ToReply(toolset.Call(tool.name, arguments, context));
    };
    if (options.version && options.kept.contains(tool.name)) {
      offered.handler = Keep(std::move(offered.handler), options.version);
    }
    status = server.AddTool(std::move(offered));
  });
  return status;
}

}  // namespace hearth::mcp
