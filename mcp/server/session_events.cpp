// What the client hears without having asked at that moment: lists and resources that changed.
#include <utility>

#include "mcp/jsonrpc/json_text.h"
#include "mcp/server/session_impl.h"

namespace hearth::mcp {
namespace {

constexpr size_t kMostListeners = 100;
constexpr size_t kMostUris = 1000;

const char* MethodFor(ListKind kind) {
  switch (kind) {
    case ListKind::kTools:
      return "notifications/tools/list_changed";
    case ListKind::kPrompts:
      return "notifications/prompts/list_changed";
    case ListKind::kResources:
      break;
  }
  return "notifications/resources/list_changed";
}

// {"_meta": {…subscriptionId: id}, rest}
std::string Tagged(std::string_view id, std::string_view rest) {
  std::string params = R"({"_meta":{)";
  AppendJsonString(params, meta::kSubscription);
  params += ':';
  params += id;
  params += '}';
  if (!rest.empty()) {
    params += ',';
    params += rest;
  }
  params += '}';
  return params;
}

// notifications/tasks: the whole task, as tasks/get tells it.
std::string TaskMessage(std::string_view subscription, const Task& task) {
  const std::string members = WriteJson(task.Describe(true));
  return WriteNotification(
      "notifications/tasks",
      Tagged(subscription, std::string_view(members).substr(1, members.size() - 2)));
}

bool IsTrue(std::string_view filter, std::string_view name) {
  return FindJsonMember(filter, name) == "true";
}

}  // namespace

void ServerSession::Impl::Listen(const RequestHead& head, const std::shared_ptr<Channel>& channel) {
  const std::string_view filter = FindJsonMember(head.params, "notifications");
  if (!IsJsonObject(filter)) {
    return channel->Finish(
        WriteError(head.id, code::kInvalidParams, "params.notifications must be an object"));
  }
  Listener listener{.id = std::string(head.id), .channel = channel};
  listener.tools = IsTrue(filter, "toolsListChanged");
  listener.prompts = IsTrue(filter, "promptsListChanged") && state_.prompts.load() != nullptr;
  const bool has_resources = state_.resources.load() != nullptr;
  listener.resources = IsTrue(filter, "resourcesListChanged") && has_resources;
  const std::string_view uris = FindJsonMember(filter, "resourceSubscriptions");
  if (IsJsonArray(uris) && has_resources) {
    for (JsonArrayReader reader(uris); reader.Next() && listener.uris.size() < kMostUris;) {
      if (IsJsonString(reader.value())) listener.uris.insert(DecodeJsonString(reader.value()));
    }
  }
  std::vector<std::shared_ptr<Task>> tasks;
  const std::string_view extensions = FindJsonMember(head.capabilities, "extensions");
  const std::string_view ids = FindJsonMember(filter, "taskIds");
  if (IsJsonArray(ids) && !FindJsonMember(extensions, kTasksExtension).empty()) {
    for (JsonArrayReader reader(ids); reader.Next() && tasks.size() < kMostUris;) {
      if (!IsJsonString(reader.value())) continue;
      auto task = state_.tasks.Find(DecodeJsonString(reader.value()), options_.principal);
      if (task == nullptr || !listener.tasks.insert(task->id()).second) continue;
      tasks.push_back(std::move(task));
    }
  }
  Json agreed = Json::object();
  if (listener.tools) agreed["toolsListChanged"] = true;
  if (listener.prompts) agreed["promptsListChanged"] = true;
  if (listener.resources) agreed["resourcesListChanged"] = true;
  if (!listener.uris.empty()) agreed["resourceSubscriptions"] = listener.uris;
  if (!listener.tasks.empty()) agreed["taskIds"] = listener.tasks;
  {
    const std::lock_guard lock(mutex_);
    if (closed_ || listeners_.size() >= kMostListeners) {
      return channel->Finish(
          WriteError(head.id, code::kInvalidRequest, "too many subscriptions are open"));
    }
    channel->Send(WriteNotification("notifications/subscriptions/acknowledged",
                                    Tagged(head.id, R"("notifications":)" + WriteJson(agreed))));
    // Where they stand: a change before this would not be heard of else.
    for (const auto& task : tasks) channel->Send(TaskMessage(head.id, *task));
    listeners_.push_back(std::move(listener));
  }
  state_.Register(shared_from_this());
  server_.LookForChanges();  // what changes from now on
}

void ServerSession::Impl::TellListChanged(ListKind kind) {
  const std::lock_guard lock(mutex_);
  const char* method = MethodFor(kind);
  for (const Listener& listener : listeners_) {
    const bool wanted = kind == ListKind::kTools     ? listener.tools
                        : kind == ListKind::kPrompts ? listener.prompts
                                                     : listener.resources;
    if (wanted) listener.channel->Send(WriteNotification(method, Tagged(listener.id, "")));
  }
  if (initialized_ && own_ != nullptr) own_->Send(WriteNotification(method, ""));
}

void ServerSession::Impl::TellUpdated(const std::string& uri) {
  const std::lock_guard lock(mutex_);
  constexpr const char* kMethod = "notifications/resources/updated";
  std::string member = R"("uri":)";
  AppendJsonString(member, uri);
  for (const Listener& listener : listeners_) {
    if (!listener.uris.contains(uri)) continue;
    listener.channel->Send(WriteNotification(kMethod, Tagged(listener.id, member)));
  }
  if (subscriptions_.contains(uri) && own_ != nullptr) {
    own_->Send(WriteNotification(kMethod, "{" + member + "}"));
  }
}

void ServerSession::Impl::TellTask(const Task& task) {
  const std::lock_guard lock(mutex_);
  for (const Listener& listener : listeners_) {
    if (listener.tasks.contains(task.id())) {
      listener.channel->Send(TaskMessage(listener.id, task));
    }
  }
}

bool ServerSession::Impl::AddWatched(std::vector<std::string>& uris) const {
  const std::lock_guard lock(mutex_);
  uris.insert(uris.end(), subscriptions_.begin(), subscriptions_.end());
  bool lists = false;
  for (const Listener& listener : listeners_) {
    uris.insert(uris.end(), listener.uris.begin(), listener.uris.end());
    lists |= listener.resources || !listener.uris.empty();
  }
  return lists || initialized_ || !subscriptions_.empty();
}

bool ServerSession::Impl::Watches() const {
  const std::lock_guard lock(mutex_);
  for (const Listener& listener : listeners_) {
    if (listener.resources || !listener.uris.empty()) return true;
  }
  return !subscriptions_.empty();
}

}  // namespace hearth::mcp
