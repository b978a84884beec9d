#include "mcp/client.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

#include "mcp/client/connection.h"
#include "mcp/transport/http_rules.h"
#include "runtime/base/log.h"
#include "runtime/base/text.h"

namespace hearth::mcp {
namespace {

using Milliseconds = std::chrono::milliseconds;
using SteadyClock = std::chrono::steady_clock;

constexpr Milliseconds kStartTime{60'000};  // npx may fetch a package first
constexpr Milliseconds kFirstPause{250};    // before a server that died is started again
constexpr Milliseconds kLongestPause{30'000};
constexpr int kMostRestarts = 6;  // in a row, without an answer between
constexpr int kMostListens = 5;   // subscriptions that a server may end before it is left alone
// Where a person may have to log in first.
constexpr Milliseconds kLoginTime{600'000};

// The defaults of a form's fields where an answer leaves them out: so a handler need not know them.
void FillDefaults(const Json& params, Json& answer) {
  const Json* schema = FindMember(params, "requestedSchema");
  const Json* fields = schema == nullptr ? nullptr : FindMember(*schema, "properties");
  const Json* action = FindMember(answer, "action");
  const bool accepted = action != nullptr && *action == "accept";
  if (!accepted || fields == nullptr || !fields->is_object()) return;
  Json& content = answer["content"];
  if (!content.is_object()) content = Json::object();
  for (const auto& [name, field] : fields->items()) {
    const Json* otherwise = FindMember(field, "default");
    if (otherwise != nullptr && !content.contains(name)) content[name] = *otherwise;
  }
}

bool SpeaksModern(const Json* revisions) {
  return revisions != nullptr && revisions->is_array() &&
         std::ranges::any_of(*revisions, [](const Json& revision) {
           return revision.is_string() && revision.get_ref<const std::string&>() == kModernRevision;
         });
}

Json OwnInfo() { return {{"name", "hearth"}, {"title", "hearth"}, {"version", "0.1.0"}}; }

const std::string& TextOf(const Json& object, const char* name, const std::string& otherwise) {
  const Json* value = FindMember(object, name);
  return value != nullptr && value->is_string() ? value->get_ref<const std::string&>() : otherwise;
}

}  // namespace

class Client::Impl {
 public:
  Impl(McpServerConfig c, TransportFactory t, ClientOptions o)
      : config(std::move(c)), transports(std::move(t)), options(std::move(o)) {}

  // The connection, opened where there is none, it has ended or it is the useless one.
  Result<std::shared_ptr<Connection>> Connected(const Connection* useless = nullptr);
  Result<Json> Request(std::string_view method, const Json& params, std::stop_token stop,
                       const ProgressSink& progress, const ClientTransport::Headers& headers = {});
  void Close();
  // Over HTTP in the modern era arguments may have to be told in headers as well.
  bool HasHeaders() const;
  ClientTransport::Headers HeadersOf(std::string_view tool, const Json& arguments) const;

  const McpServerConfig config;
  const TransportFactory transports;
  const ClientOptions options;
  mutable std::mutex mutex;  // of the rest
  Era era = Era::kLegacy;
  std::string revision;
  Json server_info = Json::object();
  Json server_capabilities = Json::object();
  std::string instructions;
  std::map<std::string, Json, std::less<>> marked_tools;  // schemas, for their headers
  std::atomic<bool> tools_changed = false;

 private:
  friend class Client;
  Result<std::shared_ptr<Connection>> Open();
  Status Handshake(std::shared_ptr<Connection>& connection);
  Status Initialize(Connection& connection);
  Result<Answer> Discover(Connection& connection);
  void Listen(Connection& connection);
  Result<std::shared_ptr<Connection>> Start();
  Json OwnCapabilities() const;
  Json ModernMeta() const;
  Result<Json> AnswerServer(const std::string& method, const Json& params);
  Result<Json> AskWithRounds(Connection& connection, std::string_view method, Json params,
                             std::stop_token stop, const ProgressSink& progress,
                             const ClientTransport::Headers& headers);
  Error Failure(const Connection& connection, const Error& error) const;
  Patience StartPatience() const {
    const Milliseconds time = config.url.empty() ? kStartTime : kLoginTime;
    return {time, time};
  }
  Patience UsualPatience() const { return {config.timeout, config.max_timeout}; }

  std::mutex opening_;  // one thread at a time starts the server
  std::shared_ptr<Connection> connection_;
  std::optional<Era> known_era_;
  int restarts_ = 0;
  SteadyClock::time_point next_start_{};
  bool closed_ = false;
  std::atomic<bool> listening_ = false;  // to what changes, in the modern era
  int listens_ = 0;                      // how often that was begun on this connection
};

Json Client::Impl::OwnCapabilities() const {
  Json capabilities = Json::object();
  if (!options.roots.empty()) capabilities["roots"] = Json::object();
  if (options.sampling != nullptr && config.sampling) capabilities["sampling"] = Json::object();
  if (options.elicitation != nullptr) {
    capabilities["elicitation"] = {{"form", {{"applyDefaults", true}}}};
  }
  return capabilities;
}

Json Client::Impl::ModernMeta() const {
  return {{std::string(meta::kVersion), kModernRevision},
          {std::string(meta::kClientInfo), OwnInfo()},
          {std::string(meta::kCapabilities), OwnCapabilities()}};
}

Result<Json> Client::Impl::AnswerServer(const std::string& method, const Json& params) {
  if (method == "ping") return Json::object();
  if (method == "roots/list" && !options.roots.empty()) {
    Json roots = Json::array();
    for (const std::string& uri : options.roots) roots.push_back({{"uri", uri}});
    return Json{{"roots", std::move(roots)}};
  }
  if (method == "sampling/createMessage" && options.sampling != nullptr && config.sampling) {
    return options.sampling->CreateMessage(config.name, params);
  }
  if (method == "elicitation/create" && options.elicitation != nullptr) {
    Json answer = options.elicitation->Elicit(config.name, params);
    FillDefaults(params, answer);
    return answer;
  }
  return MakeError(ErrorCode::kUnsupported, "this client does not answer ", method);
}

Result<std::shared_ptr<Connection>> Client::Impl::Start() {
  HEARTH_TRY(auto transport, transports());
  return std::make_shared<Connection>(
      std::move(transport),
      [this](const std::string& method, const Json& params) {
        return AnswerServer(method, params);
      },
      [this](const std::string& method) {
        if (method == "notifications/tools/list_changed") tools_changed = true;
      });
}

Status Client::Impl::Initialize(Connection& connection) {
  const Json params = {{"protocolVersion", kLastLegacyRevision},
                       {"capabilities", OwnCapabilities()},
                       {"clientInfo", OwnInfo()}};
  HEARTH_TRY(const Answer answer, connection.Ask("initialize", params, StartPatience(), {}, {}));
  if (!answer.result) {
    return MakeError(ErrorCode::kUnsupported, "it refused to initialize: ", answer.error_message);
  }
  const std::string agreed = TextOf(*answer.result, "protocolVersion", "");
  if (!IsLegacyRevision(agreed)) {
    return MakeError(ErrorCode::kUnsupported,
                     "it speaks a revision that is not known here: ", Clip(OneLine(agreed), 40));
  }
  {
    const std::lock_guard lock(mutex);
    era = Era::kLegacy;
    revision = agreed;
    if (const Json* info = FindMember(*answer.result, "serverInfo")) server_info = *info;
    if (const Json* able = FindMember(*answer.result, "capabilities")) server_capabilities = *able;
    instructions = TextOf(*answer.result, "instructions", "");
  }
  return connection.Notify("notifications/initialized", nullptr);
}

Result<Answer> Client::Impl::Discover(Connection& connection) {
  // Silence tells the eras of programs apart; a web server always answers.
  const bool is_program = config.url.empty();
  const Patience patience =
      known_era_ || !is_program ? StartPatience() : Patience{options.probe, options.probe};
  const Json params = {{"_meta", ModernMeta()}};
  HEARTH_TRY(Answer answer, connection.Ask("server/discover", params, patience, {}, {}));
  // A server that refuses the revision and names it among those that it speaks wants to be asked
  // again (it may have changed its mind between two releases).
  if (answer.error_code == code::kUnsupportedVersion &&
      SpeaksModern(FindMember(answer.error_data, "supported"))) {
    return connection.Ask("server/discover", params, patience, {}, {});
  }
  return answer;
}

Status Client::Impl::Handshake(std::shared_ptr<Connection>& connection) {
  if (known_era_ != Era::kLegacy) {
    const auto answer = Discover(*connection);
    if (answer.ok() && answer->result &&
        SpeaksModern(FindMember(*answer->result, "supportedVersions"))) {
      const std::lock_guard lock(mutex);
      era = Era::kModern;
      revision = kModernRevision;
      if (const Json* able = FindMember(*answer->result, "capabilities")) {
        server_capabilities = *able;
      }
      const Json* extra = FindMember(*answer->result, "_meta");
      const Json* info = extra == nullptr ? nullptr : FindMember(*extra, meta::kServerInfo);
      if (info != nullptr) server_info = *info;
      instructions = TextOf(*answer->result, "instructions", "");
      known_era_ = Era::kModern;
      return {};
    }
    if (connection->ended()) {
      // Some servers of the legacy era die of a question before initialize.
      connection->Close();
      HEARTH_TRY(connection, Start());
    } else if (!answer.ok() && answer.error().code != ErrorCode::kUnsupported &&
               answer.error().code != ErrorCode::kResourceExhausted) {
      return answer.error();  // it cannot be reached, or does not let us in
    }
  }
  HEARTH_CHECK_OK(Initialize(*connection));
  known_era_ = Era::kLegacy;
  return {};
}

void Client::Impl::Listen(Connection& connection) {
  {
    const std::lock_guard lock(mutex);
    const Json* tools = FindMember(server_capabilities, "tools");
    const Json* changes = tools == nullptr ? nullptr : FindMember(*tools, "listChanged");
    if (era != Era::kModern || changes == nullptr || *changes != true) return;
  }
  if (listens_ >= kMostListens || listening_.exchange(true)) return;
  ++listens_;
  // What changed while nobody listened is not told; so the tools count as changed.
  const Status opened = connection.Open(
      "subscriptions/listen",
      {{"_meta", ModernMeta()}, {"notifications", {{"toolsListChanged", true}}}}, [this] {
        listening_ = false;
        tools_changed = true;
      });
  if (!opened.ok()) listening_ = false;
}

Error Client::Impl::Failure(const Connection& connection, const Error& error) const {
  const std::string words = connection.last_words();
  std::string text = Concat("MCP server '", config.name, "': ", error.message);
  if (!words.empty()) text += "; its last words: " + words;
  return {error.code, std::move(text)};
}

Result<std::shared_ptr<Connection>> Client::Impl::Open() {
  auto started = Start();
  if (!started.ok()) {
    return MakeError(started.error().code, "MCP server '", config.name,
                     "': ", started.error().message);
  }
  std::shared_ptr<Connection> connection = *std::move(started);
  if (const Status status = Handshake(connection); !status.ok()) {
    connection->Close();
    return Failure(*connection, status.error());
  }
  return connection;
}

Result<std::shared_ptr<Connection>> Client::Impl::Connected(const Connection* useless) {
  const std::lock_guard opening(opening_);
  if (closed_) return MakeError(ErrorCode::kCancelled, "the client is closed");
  if (connection_ != nullptr && connection_.get() != useless && !connection_->ended()) {
    Listen(*connection_);
    return connection_;
  }
  if (connection_ != nullptr) {
    connection_->Close();
    connection_ = nullptr;
    tools_changed = true;
    listening_ = false;
    listens_ = 0;
  }
  if (restarts_ > kMostRestarts) {
    return MakeError(ErrorCode::kIo, "MCP server '", config.name, "' has died ", restarts_,
                     " times in a row and is not started again");
  }
  const auto now = SteadyClock::now();
  if (now < next_start_) std::this_thread::sleep_until(next_start_);
  const auto pause = std::min(kLongestPause, kFirstPause * (1 << std::min(restarts_, 10)));
  ++restarts_;
  next_start_ = SteadyClock::now() + pause;
  HEARTH_TRY(connection_, Open());
  Listen(*connection_);
  return connection_;
}

Result<Json> Client::Impl::AskWithRounds(Connection& connection, std::string_view method,
                                         Json params, std::stop_token stop,
                                         const ProgressSink& progress,
                                         const ClientTransport::Headers& headers) {
  bool modern = false;
  {
    const std::lock_guard lock(mutex);
    modern = era == Era::kModern;
  }
  for (int round = 0; round <= options.max_rounds; ++round) {
    if (modern) {
      const Json own = ModernMeta();
      for (const auto& [name, value] : own.items()) params["_meta"][name] = value;
    }
    HEARTH_TRY(Answer answer,
               connection.Ask(method, params, UsualPatience(), stop, progress, headers));
    if (!answer.result) {
      return MakeError(ErrorCode::kUnsupported, "it refused ", method, ": ",
                       Clip(OneLine(answer.error_message), 500));
    }
    const std::string type = TextOf(*answer.result, "resultType", "complete");
    if (type == "complete") return *std::move(answer.result);
    if (type != "input_required") {
      return MakeError(ErrorCode::kUnsupported,
                       "it answered with a result of an unknown kind: ", Clip(OneLine(type), 40));
    }
    Json responses = Json::object();
    if (const Json* requests = FindMember(*answer.result, "inputRequests")) {
      for (const auto& [key, request] : requests->items()) {
        const Json* asked = FindMember(request, "params");
        HEARTH_TRY(responses[key], AnswerServer(TextOf(request, "method", ""),
                                                asked == nullptr ? Json::object() : *asked));
      }
    }
    params["inputResponses"] = std::move(responses);
    params.erase("requestState");
    if (const Json* state = FindMember(*answer.result, "requestState")) {
      params["requestState"] = *state;
    }
  }
  return MakeError(ErrorCode::kResourceExhausted, "it asks without an end");
}

Result<Json> Client::Impl::Request(std::string_view method, const Json& params,
                                   std::stop_token stop, const ProgressSink& progress,
                                   const ClientTransport::Headers& headers) {
  HEARTH_TRY(auto connection, Connected());
  auto result = AskWithRounds(*connection, method, params, stop, progress, headers);
  if (!result.ok() && result.error().code == ErrorCode::kConflict) {
    // The server has forgotten the session and has not looked at the request: once more in another.
    HEARTH_TRY(connection, Connected(connection.get()));
    result = AskWithRounds(*connection, method, params, stop, progress, headers);
  }
  if (!result.ok()) return Failure(*connection, result.error());
  const std::lock_guard opening(opening_);
  restarts_ = 0;
  return result;
}

bool Client::Impl::HasHeaders() const {
  const std::lock_guard lock(mutex);
  return era == Era::kModern && !config.url.empty();
}

ClientTransport::Headers Client::Impl::HeadersOf(std::string_view tool,
                                                 const Json& arguments) const {
  const std::lock_guard lock(mutex);
  const auto found = marked_tools.find(tool);
  return found == marked_tools.end() ? ClientTransport::Headers()
                                     : ParameterHeaders(found->second, arguments);
}

void Client::Impl::Close() {
  const std::lock_guard opening(opening_);
  closed_ = true;
  if (connection_ != nullptr) connection_->Close();
}

Client::Client(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
Client::~Client() { impl_->Close(); }

Result<std::unique_ptr<Client>> Client::Connect(McpServerConfig config, TransportFactory transports,
                                                const ClientOptions& options) {
  auto impl = std::make_shared<Impl>(std::move(config), std::move(transports), options);
  HEARTH_TRY(const auto connection, impl->Connected());
  return std::unique_ptr<Client>(new Client(std::move(impl)));
}

const std::string& Client::name() const { return impl_->config.name; }
Era Client::era() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->era;
}
std::string Client::revision() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->revision;
}
Json Client::server_info() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->server_info;
}
Json Client::capabilities() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->server_capabilities;
}
std::string Client::instructions() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->instructions;
}
size_t Client::junk_lines() const {
  const std::lock_guard opening(impl_->opening_);
  return impl_->connection_ == nullptr ? 0 : impl_->connection_->junk_lines();
}
bool Client::TakeToolsChanged() { return impl_->tools_changed.exchange(false); }
void Client::Close() { impl_->Close(); }

Result<Json> Client::Request(std::string_view method, const Json& params, std::stop_token stop,
                             const ProgressSink& progress) {
  return impl_->Request(method, params.is_null() ? Json::object() : params, stop, progress);
}

Result<std::vector<Json>> Client::List(std::string_view method, const char* member) {
  std::vector<Json> all;
  std::set<std::string> cursors;
  Json params = Json::object();
  for (size_t page = 0; page < impl_->options.max_pages; ++page) {
    HEARTH_TRY(const Json result, Request(method, params));
    const Json* entries = FindMember(result, member);
    if (entries == nullptr || !entries->is_array()) {
      return MakeError(ErrorCode::kInvalidArgument, "MCP server '", name(), "': its answer to ",
                       method, " lacks the list \"", member, "\"");
    }
    for (const Json& entry : *entries) all.push_back(entry);
    const Json* cursor = FindMember(result, "nextCursor");
    // An empty cursor is a cursor; one that was there before would go in a circle.
    if (cursor == nullptr || !cursor->is_string()) return all;
    if (!cursors.insert(cursor->get<std::string>()).second) break;
    params["cursor"] = *cursor;
  }
  Log(LogLevel::kWarn, "MCP server '", name(), "': ", method,
      " does not come to an end; what came so far is used");
  return all;
}

Result<std::vector<RemoteTool>> Client::ListTools(std::vector<std::string>& warnings) {
  constexpr size_t kLongestName = 256;
  HEARTH_TRY(const auto entries, List("tools/list", "tools"));
  std::vector<RemoteTool> tools;
  std::set<std::string> names;
  for (const Json& entry : entries) {
    RemoteTool tool;
    tool.name = TextOf(entry, "name", "");
    const auto drop = [&](const char* why) {
      warnings.push_back(Concat("MCP server '", name(), "': the tool '",
                                Clip(OneLine(tool.name), 60), "' is left out: ", why));
    };
    if (tool.name.empty() || tool.name.size() > kLongestName) {
      drop("its name is missing or too long");
      continue;
    }
    if (!names.insert(tool.name).second) {
      drop("there is another tool of that name");
      continue;
    }
    const Json* input = FindMember(entry, "inputSchema");
    if (input == nullptr || !input->is_object() || TextOf(*input, "type", "") != "object") {
      drop("its inputSchema is no schema of an object");
      continue;
    }
    const std::string wrong_mark = impl_->HasHeaders() ? CheckHeaderMarks(*input) : std::string();
    if (!wrong_mark.empty()) {
      drop(wrong_mark.c_str());
      continue;
    }
    tool.input = *input;
    tool.title = TextOf(entry, "title", "");
    tool.description = TextOf(entry, "description", "");
    if (const Json* output = FindMember(entry, "outputSchema")) tool.output = *output;
    if (const Json* hints = FindMember(entry, "annotations")) tool.annotations = *hints;
    tools.push_back(std::move(tool));
  }
  if (impl_->HasHeaders()) {
    const std::lock_guard lock(impl_->mutex);
    impl_->marked_tools.clear();
    for (const RemoteTool& tool : tools) impl_->marked_tools[tool.name] = tool.input;
  }
  return tools;
}

Result<Json> Client::CallTool(std::string_view tool, const Json& arguments, std::stop_token stop,
                              const ProgressSink& progress) {
  return impl_->Request("tools/call", {{"name", tool}, {"arguments", arguments}}, stop, progress,
                        impl_->HeadersOf(tool, arguments));
}

}  // namespace hearth::mcp
