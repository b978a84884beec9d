// Client: hearth as the user of another MCP server, in whichever era that server speaks.
//
// Connect asks server/discover first; a server that answers with a modern revision is spoken to
// without a session, and any other answer, or silence, means initialize. A server that died is
// started again by the next request, with growing pauses.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "mcp/client_transport.h"
#include "mcp/protocol.h"
#include "mcp/server_config.h"
#include "runtime/base/core/result.h"
#include "runtime/base/json.h"

namespace hearth::mcp {

// Answers sampling/createMessage: a CreateMessageResult. Called from any thread.
class SamplingHandler {
 public:
  virtual ~SamplingHandler() = default;
  virtual Result<Json> CreateMessage(const std::string& server, const Json& params) = 0;
};

// Answers elicitation/create: an ElicitResult. Called from any thread.
class ElicitationHandler {
 public:
  virtual ~ElicitationHandler() = default;
  virtual Json Elicit(const std::string& server, const Json& params) = 0;
};

struct ClientOptions {
  SamplingHandler* sampling = nullptr;        // asked only where the configuration allows it
  ElicitationHandler* elicitation = nullptr;  // none: such questions are declined
  std::vector<std::string> roots;             // file:// URIs; none: the server sees no roots
  std::chrono::milliseconds probe{3000};      // how long a server may take to answer discover
  int max_rounds = 8;                         // of questions in one request
  size_t max_pages = 100;                     // of one list
};

struct RemoteTool {
  std::string name;
  std::string title;
  std::string description;
  Json input;
  Json output;       // null where there is none
  Json annotations;  // null where there are none
};

using ProgressSink =
    std::function<void(double done, std::optional<double> total, const std::string& message)>;

// Thread-safe. What it is given must outlive it.
class Client {
 public:
  static Result<std::unique_ptr<Client>> Connect(McpServerConfig config,
                                                 TransportFactory transports,
                                                 const ClientOptions& options);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  const std::string& name() const;
  Era era() const;
  std::string revision() const;
  Json server_info() const;
  Json capabilities() const;
  std::string instructions() const;
  size_t junk_lines() const;  // lines on the server's stdout that were no messages

  // Sends a request and waits for its result, answering the server's questions meanwhile. Errors:
  // kCancelled; kResourceExhausted, where it took too long; kIo, where the server died (its last
  // words are in the message); kUnsupported with what the server said, where it refused.
  Result<Json> Request(std::string_view method, const Json& params, std::stop_token stop = {},
                       const ProgressSink& progress = {});
  // Every page of tools/list. A tool that cannot be used is left out with a warning.
  Result<std::vector<RemoteTool>> ListTools(std::vector<std::string>& warnings);
  // Every page of another list: its objects.
  Result<std::vector<Json>> List(std::string_view method, const char* member);
  // A CallToolResult.
  Result<Json> CallTool(std::string_view tool, const Json& arguments, std::stop_token stop = {},
                        const ProgressSink& progress = {});
  // True once after the server has said that its tools have changed.
  bool TakeToolsChanged();
  void Close();

 private:
  class Impl;
  explicit Client(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace hearth::mcp
