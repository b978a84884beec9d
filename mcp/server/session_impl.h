// ServerSession::Impl: finds out what a message asks for and answers it.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "mcp/jsonrpc/message.h"
#include "mcp/server/server_state.h"
#include "mcp/server_session.h"

namespace hearth::mcp {

class Call;

enum class ListKind { kTools, kPrompts, kResources };

// A request as read: slices of its text.
struct RequestHead {
  Era era = Era::kLegacy;
  std::string_view id;
  std::string_view method;
  std::string_view params;
  std::string_view capabilities;  // of the client, in the modern era
  // Members of params that many requests have, found in one pass; empty where there are none.
  std::string_view meta;  // _meta
  std::string_view name;
  std::string_view uri;
  std::string_view arguments;
  std::string_view responses;  // inputResponses
  std::string_view state;      // requestState

  void ReadParams();
};

// A client's subscriptions/listen.
struct Listener {
  std::string id;
  std::shared_ptr<Channel> channel;
  bool tools = false;
  bool prompts = false;
  bool resources = false;
  std::set<std::string> uris;
  std::set<std::string> tasks;  // ids
};

// Thread-safe.
class ServerSession::Impl : public std::enable_shared_from_this<ServerSession::Impl> {
 public:
  Impl(Server& server, std::shared_ptr<Channel> own, Options options);

  void Receive(std::string_view text, const std::shared_ptr<Channel>& channel);
  void Close();
  size_t running() const;
  std::string revision() const;

  // ---- For the server ----
  void TellListChanged(ListKind kind);
  void TellUpdated(const std::string& uri);
  void TellTask(const Task& task);
  // Adds the URIs that the client watches; true where it hears of changes at all.
  bool AddWatched(std::vector<std::string>& uris) const;
  // Whether it has asked to hear of what others change, too.
  bool Watches() const;

  // ---- For calls ----
  Server::State& state() { return state_; }
  const std::string& principal() const { return options_.principal; }
  std::shared_ptr<const Json> client_capabilities() const;
  bool LogsAt(LogSeverity severity) const;
  // Sends a request of ours on the channel and waits for its answer.
  Result<Json> AskClient(Channel& channel, const Question& question, std::stop_token stop);
  void Forget(Call& call);

 private:
  struct Waiting;  // for the answer to a request of ours

  void ReceiveBatch(std::string_view text, const std::shared_ptr<Channel>& channel);
  void ReceiveOne(std::string_view text, const std::shared_ptr<Channel>& channel);
  void TakeNotification(const Message& message);
  void TakeAnswer(const Message& message);
  void TakeRequest(const Message& message, const std::shared_ptr<Channel>& channel);
  // The error that refuses a modern request, or empty.
  std::string CheckModern(RequestHead& head) const;
  void TakeModern(const RequestHead& head, const std::shared_ptr<Channel>& channel);
  void TakeLegacy(const RequestHead& head, const std::shared_ptr<Channel>& channel);
  // Methods that both eras have; false where the method is none of them.
  bool TakeCommon(const RequestHead& head, const std::shared_ptr<Channel>& channel);

  std::string Initialize(const RequestHead& head);
  std::string Discover(const RequestHead& head) const;
  std::string SetLevel(const RequestHead& head);
  std::string Subscribe(const RequestHead& head, bool on);
  std::string ListTools(const RequestHead& head) const;
  // A page of what a provider lists.
  std::string ListPage(const RequestHead& head, std::string_view member,
                       const std::vector<Json>& all, int ttl_ms) const;
  std::string Complete(const RequestHead& head) const;
  std::string HandleTask(const RequestHead& head) const;
  void Listen(const RequestHead& head, const std::shared_ptr<Channel>& channel);
  void CallTool(const RequestHead& head, const std::shared_ptr<Channel>& channel);
  void ReadResource(const RequestHead& head, const std::shared_ptr<Channel>& channel);
  void GetPrompt(const RequestHead& head, const std::shared_ptr<Channel>& channel);
  // Reads inputResponses and requestState; an error's text, or empty.
  std::string ReadAnswers(const RequestHead& head, std::string_view target, Call& call) const;
  std::shared_ptr<Call> MakeCall(const RequestHead& head, const std::shared_ptr<Channel>& channel);
  // Makes the call known, so that it can be cancelled; false where its id is in use.
  bool Remember(const std::shared_ptr<Call>& call);

  std::string Empty(const RequestHead& head) const;

  Server::State& state_;
  Server& server_;
  const std::shared_ptr<Channel> own_;
  const Options options_;
  mutable std::mutex mutex_;
  std::string revision_;
  bool initialized_ = false;
  std::shared_ptr<const Json> capabilities_;
  LogSeverity level_ = LogSeverity::kInfo;
  std::set<std::string> subscriptions_;
  std::map<std::string, std::shared_ptr<Call>, std::less<>> calls_;  // by id text
  std::vector<Listener> listeners_;
  std::map<std::string, std::shared_ptr<Waiting>, std::less<>> waiting_;
  uint64_t last_id_ = 0;
  bool closed_ = false;
};

}  // namespace hearth::mcp
