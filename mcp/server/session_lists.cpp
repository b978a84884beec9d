// tools/list, resources/list, …, completion/complete: lists and their pages.
#include <algorithm>
#include <charconv>
#include <utility>

#include "mcp/jsonrpc/json_text.h"
#include "mcp/security/base64.h"
#include "mcp/server/result_writer.h"
#include "mcp/server/session_impl.h"

namespace hearth::mcp {
namespace {

constexpr std::string_view kCursorPrefix = "from:";
constexpr size_t kMostCompletions = 100;

std::string MakeCursor(size_t first) { return Base64Url(Concat(kCursorPrefix, first)); }

// Where the page begins; nothing where the cursor is none of ours.
std::optional<size_t> ReadCursor(std::string_view params, size_t size) {
  const std::string_view cursor = FindJsonMember(params, "cursor");
  if (cursor.empty()) return 0;
  if (!IsJsonString(cursor)) return std::nullopt;
  const auto text = DecodeBase64(DecodeJsonString(cursor));
  if (!text || !text->starts_with(kCursorPrefix)) return std::nullopt;
  size_t first = 0;
  const char* end = text->data() + text->size();
  const auto [last, error] = std::from_chars(text->data() + kCursorPrefix.size(), end, first);
  if (error != std::errc() || last != end || first > size) return std::nullopt;
  return first;
}

std::string BadCursor(std::string_view id) {
  return WriteError(id, code::kInvalidParams, "invalid cursor; begin again without one");
}

}  // namespace

std::string ServerSession::Impl::ListTools(const RequestHead& head) const {
  const auto tools = state_.Tools();
  const auto first = ReadCursor(head.params, tools.size());
  if (!first) return BadCursor(head.id);
  ResultWriter writer(head.id, head.era, state_.implementation);
  std::string& out = writer.Member("tools");
  const size_t end = std::min(tools.size(), *first + state_.limits.page);
  out += '[';
  for (size_t i = *first; i < end; ++i) {
    if (i != *first) out += ',';
    out += tools[i]->listed;
  }
  out += ']';
  if (end != tools.size()) AppendJsonString(writer.Member("nextCursor"), MakeCursor(end));
  writer.Cache(head.era, 60'000);
  return std::move(writer).Take();
}

std::string ServerSession::Impl::ListPage(const RequestHead& head, std::string_view member,
                                          const std::vector<Json>& all, int ttl_ms) const {
  const auto first = ReadCursor(head.params, all.size());
  if (!first) return BadCursor(head.id);
  ResultWriter writer(head.id, head.era, state_.implementation);
  std::string& out = writer.Member(member);
  const size_t end = std::min(all.size(), *first + state_.limits.page);
  out += '[';
  for (size_t i = *first; i < end; ++i) {
    if (i != *first) out += ',';
    AppendJson(out, all[i]);
  }
  out += ']';
  if (end != all.size()) AppendJsonString(writer.Member("nextCursor"), MakeCursor(end));
  writer.Cache(head.era, ttl_ms);
  return std::move(writer).Take();
}

std::string ServerSession::Impl::Complete(const RequestHead& head) const {
  const auto refuse = [&](const char* why) {
    return WriteError(head.id, code::kInvalidParams, why);
  };
  const auto params = ToJson(head.params.empty() ? "{}" : head.params);
  if (!params.ok()) return refuse(params.error().message.c_str());
  const auto text = [](const Json* object, const char* name) {
    const Json* value = object == nullptr ? nullptr : FindMember(*object, name);
    return value != nullptr && value->is_string() ? std::optional(value->get<std::string>())
                                                  : std::nullopt;
  };
  const Json* ref = FindMember(*params, "ref");
  const Json* argument = FindMember(*params, "argument");
  const auto type = text(ref, "type");
  const auto name = text(argument, "name");
  const auto value = text(argument, "value");
  if (!type || !name || !value) {
    return refuse("params.ref.type, params.argument.name and params.argument.value are strings");
  }
  std::vector<std::string> values;
  if (*type == "ref/prompt" && state_.prompts.load() != nullptr) {
    const auto prompt = text(ref, "name");
    if (!prompt) return refuse("params.ref.name must be a string");
    const Json* context = FindMember(*params, "context");
    const Json* known = context == nullptr ? nullptr : FindMember(*context, "arguments");
    values = state_.prompts.load()->Complete(*prompt, *name, *value,
                                             known == nullptr ? Json::object() : *known);
  } else if (*type == "ref/resource" && state_.resources.load() != nullptr) {
    const auto uri = text(ref, "uri");
    if (!uri) return refuse("params.ref.uri must be a string");
    values = state_.resources.load()->Complete(*uri, *name, *value);
  } else {
    return refuse("params.ref.type must be ref/prompt or ref/resource");
  }
  const size_t total = values.size();
  if (values.size() > kMostCompletions) values.resize(kMostCompletions);
  const Json completion = {
      {"values", values}, {"total", total}, {"hasMore", total > kMostCompletions}};
  ResultWriter writer(head.id, head.era, state_.implementation);
  AppendJson(writer.Member("completion"), completion);
  return std::move(writer).Take();
}

}  // namespace hearth::mcp
