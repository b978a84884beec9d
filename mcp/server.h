// Server: what we offer over MCP: tools, resources, prompts. Sessions (server_session.h) speak for
// it, one for each client.
//
// Fill it, then serve; thread-safe. Tools may also come and go while sessions run.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "mcp/request.h"
#include "runtime/base/clock.h"
#include "runtime/base/core/result.h"
#include "runtime/base/json.h"

namespace hearth::mcp {

struct ServerInfo {
  std::string name;
  std::string title;
  std::string version;
  std::string description;
  Json icons;                // a list, or null
  std::string instructions;  // for the client's model: how to use this server; below 2 kB
};

// What a tool gives back.
struct ToolReply {
  std::string text;  // one text block; where `content` is set, that counts instead
  Json content;      // a list of content blocks, or null
  Json structured;   // any JSON value; null where there is none
  bool is_error = false;
  Json meta;  // the result's _meta: an object, or null
  // The result's members as JSON text ("content":…,"isError":…), where a tool keeps them from call
  // to call; the others but `meta` then do not count.
  std::shared_ptr<const std::string> written;

  static ToolReply Failure(std::string text) {
    ToolReply reply;
    reply.text = std::move(text);
    reply.is_error = true;
    return reply;
  }
};

struct ServerTool {
  enum class Run {
    kInline,  // on the thread that reads the client's messages: takes microseconds, never waits
    kAsks,    // inline too, but on a worker where asking the client would wait
    kWorker,  // takes long, or waits
    kTask,    // on a worker, detached (Request::Detach) from the start
  };
  std::string name;  // 1 to 128 letters, digits, '_', '-', '.'
  std::string title;
  std::string description;
  Json input;        // JSON Schema of the arguments, type object
  Json output;       // JSON Schema of `structured`, or null
  Json annotations;  // an object, or null
  Json icons;        // a list, or null
  Json meta;         // an object, or null
  Run run = Run::kInline;
  // Refuses clients that do not know tasks.
  bool needs_task = false;
  // The input schema says more than our checker understands: the handler looks itself.
  bool checks_itself = false;
  // Arguments that are right, shown to a client whose arguments were wrong; null for none.
  Json example;
  // Changes nothing: resources need no new look after it.
  bool read_only = false;
  // The arguments fit the input schema. An Error becomes a result with isError.
  std::function<Result<ToolReply>(const Json& arguments, Request& request)> handler;
};

// Resources are given in MCP's own wire form. All functions are called from any thread and take
// milliseconds at most.
class ResourceProvider {
 public:
  virtual ~ResourceProvider() = default;
  // Resource objects, in a stable order.
  virtual std::vector<Json> List() = 0;
  // ResourceTemplate objects.
  virtual std::vector<Json> Templates() = 0;
  // A list of ResourceContents; kNotFound for a URI that means nothing here.
  virtual Result<Json> Read(std::string_view uri, Request& request) = 0;
  // Values for a template's variable that begin with `value`.
  virtual std::vector<std::string> Complete(std::string_view uri_template,
                                            std::string_view variable, std::string_view value) = 0;
  // Says which of the resources that somebody watches have changed since the last call, and whether
  // the list has.
  struct Changes {
    std::vector<std::string> uris;
    bool list = false;
  };
  virtual Changes Look(const std::vector<std::string>& watched) {
    (void)watched;
    return {};
  }
};

class PromptProvider {
 public:
  virtual ~PromptProvider() = default;
  // Prompt objects.
  virtual std::vector<Json> List() = 0;
  // A GetPromptResult; kNotFound for an unknown name, kInvalidArgument for a missing argument.
  virtual Result<Json> Get(std::string_view name, const Json& arguments, Request& request) = 0;
  virtual std::vector<std::string> Complete(std::string_view name, std::string_view argument,
                                            std::string_view value, const Json& context) = 0;
};

struct ServerLimits {
  size_t max_message_bytes = size_t{16} << 20;
  size_t workers = 16;
  size_t max_waiting = 256;  // calls that wait for a worker; more are refused
  size_t page = 100;         // entries of a list's page
  size_t max_tasks = 1000;
};

class Server {
 public:
  // The clock and the providers must outlive the server.
  Server(ServerInfo info, const Clock& clock, const ServerLimits& limits = {});
  // Asks running calls to stop and waits for them.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Tools that are made when a client first wants one or the list of them, so that no client waits
  // for them at its first greeting. `fill` adds them; once, on the thread that wants them.
  void FillLater(std::function<void()> fill);
  // kInvalidArgument names what is wrong with the tool.
  Status AddTool(ServerTool tool);
  void RemoveTool(std::string_view name);
  void SetResources(ResourceProvider* provider);
  void SetPrompts(PromptProvider* provider);

  // Tells the sessions that asked for it.
  void ToolsChanged();
  void PromptsChanged();
  void ResourcesChanged();
  void ResourceUpdated(const std::string& uri);
  // Looks whether resources have changed and tells the sessions. False where nobody has asked to
  // hear of what others change: no need to look again before a tool of ours has changed something.
  bool LookForChanges();
  bool AnybodyWatches() const;

  // Asks calls to stop, and waits for them up to `grace`; returns whether they have ended.
  bool Stop(std::chrono::milliseconds grace);

  struct State;
  State& state() { return *state_; }

 private:
  std::unique_ptr<State> state_;
};

}  // namespace hearth::mcp
