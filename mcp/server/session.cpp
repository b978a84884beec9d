#include <utility>

#include "mcp/jsonrpc/json_text.h"
#include "mcp/server/batch.h"
#include "mcp/server/call.h"
#include "mcp/server/result_writer.h"
#include "mcp/server/session_impl.h"

namespace hearth::mcp {
namespace {

constexpr size_t kMaxBatch = 1000;

std::string ReadString(std::string_view value) {
  return IsJsonString(value) ? DecodeJsonString(value) : std::string();
}

}  // namespace

void RequestHead::ReadParams() {
  if (params.empty()) return;
  for (JsonObjectReader reader(params); reader.Next();) {
    const std::string_view member = reader.name();
    std::string_view* place = member == "_meta"            ? &meta
                              : member == "name"           ? &name
                              : member == "uri"            ? &uri
                              : member == "arguments"      ? &arguments
                              : member == "inputResponses" ? &responses
                              : member == "requestState"   ? &state
                                                           : nullptr;
    if (place != nullptr && place->empty()) *place = reader.value();
  }
}

// The answer to a request of ours, once it is there.
struct ServerSession::Impl::Waiting {
  std::mutex mutex;
  std::condition_variable_any changed;
  std::optional<Result<Json>> answer;
};

ServerSession::ServerSession(Server& server, std::shared_ptr<Channel> own, Options options)
    : impl_(std::make_shared<Impl>(server, std::move(own), std::move(options))) {}
ServerSession::~ServerSession() { impl_->Close(); }
void ServerSession::Receive(std::string_view text, const std::shared_ptr<Channel>& channel) {
  impl_->Receive(text, channel);
}
void ServerSession::ReceiveTooLong(size_t limit, const std::shared_ptr<Channel>& channel) {
  channel->Finish(WriteError("null", code::kInvalidRequest,
                             Concat("the message is larger than ", limit, " bytes")));
}
void ServerSession::Close() { impl_->Close(); }
size_t ServerSession::running() const { return impl_->running(); }
std::string ServerSession::revision() const { return impl_->revision(); }

ServerSession::Impl::Impl(Server& server, std::shared_ptr<Channel> own, Options options)
    : state_(server.state()),
      server_(server),
      own_(std::move(own)),
      options_(std::move(options)),
      capabilities_(std::make_shared<const Json>(Json::object())) {}

size_t ServerSession::Impl::running() const {
  const std::lock_guard lock(mutex_);
  return calls_.size();
}

std::string ServerSession::Impl::revision() const {
  const std::lock_guard lock(mutex_);
  return revision_;
}

std::shared_ptr<const Json> ServerSession::Impl::client_capabilities() const {
  const std::lock_guard lock(mutex_);
  return capabilities_;
}

bool ServerSession::Impl::LogsAt(LogSeverity severity) const {
  const std::lock_guard lock(mutex_);
  return severity >= level_;
}

void ServerSession::Impl::Close() {
  std::map<std::string, std::shared_ptr<Call>, std::less<>> calls;
  std::map<std::string, std::shared_ptr<Waiting>, std::less<>> waiting;
  std::vector<Listener> listeners;
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    calls = calls_;
    waiting.swap(waiting_);
    listeners.swap(listeners_);
    subscriptions_.clear();
  }
  for (const auto& [id, call] : calls) call->Cancel();
  for (const auto& [id, wait] : waiting) {
    {
      const std::lock_guard lock(wait->mutex);
      wait->answer = MakeError(ErrorCode::kCancelled, "the client has gone");
    }
    wait->changed.notify_all();
  }
  for (const Listener& listener : listeners) {
    const Json meta = {{std::string(meta::kSubscription), ToJson(listener.id).value()}};
    ResultWriter writer(listener.id, Era::kModern, state_.implementation, meta);
    listener.channel->Finish(std::move(writer).Take());
  }
}

void ServerSession::Impl::Receive(std::string_view text, const std::shared_ptr<Channel>& channel) {
  if (const Status status = CheckJson(text); !status.ok()) {
    channel->Finish(
        WriteError("null", code::kParseError, "this is no JSON: " + status.error().message));
    return;
  }
  text = TrimJson(text);
  if (IsJsonArray(text)) {
    ReceiveBatch(text, channel);
  } else {
    ReceiveOne(text, channel);
  }
}

void ServerSession::Impl::ReceiveBatch(std::string_view text,
                                       const std::shared_ptr<Channel>& channel) {
  const auto refuse = [&](const std::string& why) {
    channel->Finish(WriteError("null", code::kInvalidRequest, why));
  };
  if (revision() != kBatchRevision) {
    return refuse("batches belong to revision 2025-03-26 alone; send one message at a time");
  }
  size_t count = 0;
  for (JsonArrayReader reader(text); reader.Next();) ++count;
  if (count == 0) return refuse("a batch must not be empty");
  if (count > kMaxBatch) return refuse(Concat("a batch has at most ", kMaxBatch, " messages"));
  const auto batch = std::make_shared<BatchChannel>(channel, count);
  for (JsonArrayReader reader(text); reader.Next();) ReceiveOne(reader.value(), batch);
}

void ServerSession::Impl::ReceiveOne(std::string_view text,
                                     const std::shared_ptr<Channel>& channel) {
  const auto read = ReadCheckedMessage(text);
  if (const auto* bad = std::get_if<BadMessage>(&read)) {
    channel->Finish(bad->is_answer ? std::string() : WriteError(bad->id, bad->code, bad->message));
    return;
  }
  const auto& message = std::get<Message>(read);
  switch (message.kind) {
    case Message::Kind::kRequest:
      TakeRequest(message, channel);
      return;
    case Message::Kind::kNotification:
      TakeNotification(message);
      break;
    case Message::Kind::kResult:
    case Message::Kind::kError:
      TakeAnswer(message);
      break;
  }
  channel->Finish({});
}

void ServerSession::Impl::TakeNotification(const Message& message) {
  if (message.method() == "notifications/initialized") {
    const std::lock_guard lock(mutex_);
    initialized_ = true;
    return;
  }
  if (message.method() != "notifications/cancelled") return;
  const std::string_view id = FindJsonMember(message.params, "requestId");
  std::shared_ptr<Call> call;
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(listeners_, [&](const Listener& listener) {
      if (listener.id != id) return false;
      listener.channel->Finish({});
      return true;
    });
    const auto found = calls_.find(id);
    if (found == calls_.end()) return;
    call = found->second;
  }
  call->Cancel();
}

void ServerSession::Impl::TakeAnswer(const Message& message) {
  std::shared_ptr<Waiting> waiting;
  {
    const std::lock_guard lock(mutex_);
    const auto found = waiting_.find(message.id);
    if (found == waiting_.end()) return;  // late, or never asked
    waiting = std::move(found->second);
    waiting_.erase(found);
  }
  auto body = ToJson(message.body);
  {
    const std::lock_guard lock(waiting->mutex);
    if (message.kind == Message::Kind::kResult) {
      waiting->answer = std::move(body);
    } else {
      const Json* why = body.ok() ? FindMember(*body, "message") : nullptr;
      waiting->answer = MakeError(
          ErrorCode::kUnsupported, "the client refused: ",
          why != nullptr && why->is_string() ? why->get<std::string>() : std::string("no reason"));
    }
  }
  waiting->changed.notify_all();
}

Result<Json> ServerSession::Impl::AskClient(Channel& channel, const Question& question,
                                            std::stop_token stop) {
  constexpr std::chrono::minutes kPatience{10};  // a person may be reading
  auto waiting = std::make_shared<Waiting>();
  std::string id;
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return MakeError(ErrorCode::kCancelled, "the client has gone");
    id = std::to_string(++last_id_);
    waiting_[id] = waiting;
  }
  channel.Send(WriteRequest(id, question.method,
                            question.params.is_null() ? "" : WriteJson(question.params)));
  std::unique_lock lock(waiting->mutex);
  const bool answered =
      waiting->changed.wait_for(lock, stop, kPatience, [&] { return waiting->answer.has_value(); });
  if (answered) return *std::move(waiting->answer);
  {
    const std::lock_guard own_lock(mutex_);
    waiting_.erase(id);
  }
  channel.Send(WriteNotification("notifications/cancelled", R"({"requestId":)" + id + "}"));
  if (stop.stop_requested()) return MakeError(ErrorCode::kCancelled, "the call was cancelled");
  return MakeError(ErrorCode::kResourceExhausted, "the client did not answer in time");
}

std::string ServerSession::Impl::CheckModern(RequestHead& head) const {
  const auto refuse = [&](const std::string& why) {
    return WriteError(head.id, code::kInvalidParams, why);
  };
  if (!IsJsonObject(head.meta)) {
    return refuse(
        "params._meta is missing: a request of revision 2026-07-28 carries its protocolVersion and "
        "clientCapabilities there (a session of an earlier revision begins with initialize)");
  }
  const std::string_view version = FindJsonMember(head.meta, meta::kVersion);
  if (!IsJsonString(version)) {
    return refuse(Concat("params._meta lacks \"", meta::kVersion, "\", a string"));
  }
  head.capabilities = FindJsonMember(head.meta, meta::kCapabilities);
  if (version != R"("2026-07-28")") {
    const Json data = {{"supported", {kModernRevision}}, {"requested", DecodeJsonString(version)}};
    return WriteError(head.id, code::kUnsupportedVersion, "unsupported protocol version", data);
  }
  if (!IsJsonObject(head.capabilities)) {
    return refuse(Concat("params._meta lacks \"", meta::kCapabilities, "\", an object"));
  }
  return {};
}

void ServerSession::Impl::TakeRequest(const Message& message,
                                      const std::shared_ptr<Channel>& channel) {
  RequestHead head{.id = message.id, .method = message.method(), .params = message.params};
  head.ReadParams();
  const auto is_modern = [&] {
    if (options_.era) return *options_.era == Era::kModern;
    if (!FindJsonMember(head.meta, meta::kVersion).empty()) return true;
    if (head.method == "server/discover" || head.method == "subscriptions/listen") return true;
    if (head.method == "initialize" || head.method == "ping") return false;
    const std::lock_guard lock(mutex_);
    return revision_.empty();  // nothing was agreed upon, so the request must speak for itself
  };
  if (is_modern()) {
    head.era = Era::kModern;
    if (std::string error = CheckModern(head); !error.empty()) {
      channel->Finish(error);
    } else {
      TakeModern(head, channel);
    }
    return;
  }
  TakeLegacy(head, channel);
}

void ServerSession::Impl::TakeModern(const RequestHead& head,
                                     const std::shared_ptr<Channel>& channel) {
  if (TakeCommon(head, channel)) return;
  if (head.method == "server/discover") return channel->Finish(Discover(head));
  if (head.method == "subscriptions/listen") return Listen(head, channel);
  if (head.method == "tasks/get" || head.method == "tasks/update" ||
      head.method == "tasks/cancel") {
    return channel->Finish(HandleTask(head));
  }
  channel->Finish(WriteError(head.id, code::kMethodNotFound,
                             Concat("there is no method '", head.method.substr(0, 100), "'")));
}

void ServerSession::Impl::TakeLegacy(const RequestHead& head,
                                     const std::shared_ptr<Channel>& channel) {
  if (TakeCommon(head, channel)) return;
  if (head.method == "initialize") return channel->Finish(Initialize(head));
  if (head.method == "ping") return channel->Finish(Empty(head));
  if (head.method == "logging/setLevel") return channel->Finish(SetLevel(head));
  if (head.method == "resources/subscribe") return channel->Finish(Subscribe(head, true));
  if (head.method == "resources/unsubscribe") return channel->Finish(Subscribe(head, false));
  channel->Finish(WriteError(head.id, code::kMethodNotFound,
                             Concat("there is no method '", head.method.substr(0, 100), "'")));
}

bool ServerSession::Impl::TakeCommon(const RequestHead& head,
                                     const std::shared_ptr<Channel>& channel) {
  const std::string_view method = head.method;
  constexpr int kTtl = 60'000;
  if (method == "tools/call") {
    CallTool(head, channel);
    return true;
  }
  if (method == "tools/list") {
    channel->Finish(ListTools(head));
    return true;
  }
  ResourceProvider* resources = state_.resources;
  if (resources != nullptr && method.starts_with("resources/")) {
    if (method == "resources/list") {
      channel->Finish(ListPage(head, "resources", resources->List(), 0));
    } else if (method == "resources/templates/list") {
      channel->Finish(ListPage(head, "resourceTemplates", resources->Templates(), kTtl));
    } else if (method == "resources/read") {
      ReadResource(head, channel);
    } else {
      return false;
    }
    return true;
  }
  PromptProvider* prompts = state_.prompts;
  if (prompts != nullptr && method == "prompts/list") {
    channel->Finish(ListPage(head, "prompts", prompts->List(), kTtl));
    return true;
  }
  if (prompts != nullptr && method == "prompts/get") {
    GetPrompt(head, channel);
    return true;
  }
  if (method == "completion/complete" && (resources != nullptr || prompts != nullptr)) {
    channel->Finish(Complete(head));
    return true;
  }
  return false;
}

std::string ServerSession::Impl::Initialize(const RequestHead& head) {
  const std::string_view requested = FindJsonMember(head.params, "protocolVersion");
  if (!IsJsonString(requested)) {
    return WriteError(head.id, code::kInvalidParams, "params.protocolVersion must be a string");
  }
  std::string revision = DecodeJsonString(requested);
  // An unknown revision gets our latest; a peer that cannot speak it then goes away by itself.
  if (!IsLegacyRevision(revision)) revision = kLastLegacyRevision;
  const std::string_view capabilities = FindJsonMember(head.params, "capabilities");
  Json declared = Json::object();
  if (IsJsonObject(capabilities)) {
    auto parsed = ToJson(capabilities);
    if (!parsed.ok()) return WriteError(head.id, code::kInvalidParams, parsed.error().message);
    declared = *std::move(parsed);
  }
  {
    const std::lock_guard lock(mutex_);
    revision_ = revision;
    capabilities_ = std::make_shared<const Json>(std::move(declared));
  }
  state_.Register(shared_from_this());
  ResultWriter writer(head.id, Era::kLegacy, state_.implementation);
  AppendJsonString(writer.Member("protocolVersion"), revision);
  AppendJson(writer.Member("capabilities"), state_.Capabilities(Era::kLegacy));
  writer.Member("serverInfo") += state_.implementation;
  if (!state_.info.instructions.empty()) {
    AppendJsonString(writer.Member("instructions"), state_.info.instructions);
  }
  return std::move(writer).Take();
}

std::string ServerSession::Impl::Discover(const RequestHead& head) const {
  ResultWriter writer(head.id, Era::kModern, state_.implementation);
  AppendJson(writer.Member("supportedVersions"), Json::array({kModernRevision}));
  AppendJson(writer.Member("capabilities"), state_.Capabilities(Era::kModern));
  if (!state_.info.instructions.empty()) {
    AppendJsonString(writer.Member("instructions"), state_.info.instructions);
  }
  writer.Cache(Era::kModern, 3'600'000);
  return std::move(writer).Take();
}

std::string ServerSession::Impl::SetLevel(const RequestHead& head) {
  const auto level = ParseLogSeverity(ReadString(FindJsonMember(head.params, "level")));
  if (!level) {
    return WriteError(head.id, code::kInvalidParams,
                      "params.level must be one of debug, info, notice, warning, error, critical, "
                      "alert, emergency");
  }
  const std::lock_guard lock(mutex_);
  level_ = *level;
  return Empty(head);
}

std::string ServerSession::Impl::Subscribe(const RequestHead& head, bool on) {
  constexpr size_t kMostSubscriptions = 1000;
  const std::string_view uri = head.uri;
  if (!IsJsonString(uri)) {
    return WriteError(head.id, code::kInvalidParams, "params.uri must be a string");
  }
  {
    const std::lock_guard lock(mutex_);
    if (!on) {
      subscriptions_.erase(DecodeJsonString(uri));
    } else if (subscriptions_.size() >= kMostSubscriptions) {
      return WriteError(head.id, code::kInvalidParams, "too many subscriptions");
    } else {
      subscriptions_.insert(DecodeJsonString(uri));
    }
  }
  if (on) server_.LookForChanges();  // what changes from now on
  return Empty(head);
}

std::string ServerSession::Impl::Empty(const RequestHead& head) const {
  return ResultWriter(head.id, head.era, state_.implementation).Take();
}

void ServerSession::Impl::Forget(Call& call) {
  const std::lock_guard lock(mutex_);
  const auto found = calls_.find(call.id());
  if (found != calls_.end() && found->second.get() == &call) calls_.erase(found);
}

bool ServerSession::Impl::Remember(const std::shared_ptr<Call>& call) {
  const std::lock_guard lock(mutex_);
  return !closed_ && calls_.try_emplace(call->id(), call).second;
}

}  // namespace hearth::mcp
