// notifications/tasks: what a client hears of the tasks that it listens to.
#include <catch2/catch.hpp>
#include <condition_variable>
#include <mutex>
#include <vector>

#include "mcp/server.h"
#include "mcp/server_session.h"

namespace hearth::mcp {
namespace {

// Keeps what it is told.
class Recorder : public Channel {
 public:
  void Send(std::string_view message) override { Add(message); }
  void Finish(std::string_view answer) override {
    if (!answer.empty()) Add(answer);
  }
  // The message with that index, once it is there.
  Json At(size_t index) {
    std::unique_lock lock(mutex_);
    REQUIRE(changed_.wait_for(lock, std::chrono::seconds(20),
                              [&] { return messages_.size() > index; }));
    return messages_[index];
  }
  size_t size() {
    const std::lock_guard lock(mutex_);
    return messages_.size();
  }

 private:
  void Add(std::string_view message) {
    const std::lock_guard lock(mutex_);
    messages_.push_back(*ParseJson(message));
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Json> messages_;
};

std::string Ask(int id, const char* method, Json params, bool knows_tasks = true) {
  Json capabilities = Json::object();
  if (knows_tasks) {
    capabilities["extensions"] = {{std::string(kTasksExtension), Json::object()}};
  }
  params["_meta"] = {{std::string(meta::kVersion), kModernRevision},
                     {std::string(meta::kCapabilities), capabilities}};
  return DumpJson({{"jsonrpc", "2.0"}, {"id", id}, {"method", method}, {"params", params}});
}

}  // namespace

TEST_CASE("who listens to a task hears of every change, and nobody else does") {
  SystemClock clock;
  Server server({.name = "s", .version = "1"}, clock);
  ServerTool tool;
  tool.name = "ask";
  tool.input = {{"type", "object"}, {"properties", Json::object()}};
  tool.run = ServerTool::Run::kTask;
  tool.needs_task = true;
  tool.checks_itself = true;
  tool.handler = [](const Json&, mcp::Request& request) -> Result<ToolReply> {
    const Question question{"name", "elicitation/create", {{"message", "?"}}};
    HEARTH_TRY(const auto answers, request.Ask({&question, 1}));
    return ToolReply{.text = DumpJson(answers[0])};
  };
  REQUIRE(server.AddTool(std::move(tool)).ok());
  ServerSession session(server, nullptr, {});

  // The capability for the question belongs to the request that starts the task.
  Json call = *ParseJson(Ask(1, "tools/call", {{"name", "ask"}}));
  call["params"]["_meta"][std::string(meta::kCapabilities)]["elicitation"] = {
      {"form", Json::object()}};
  const auto started = std::make_shared<Recorder>();
  session.Receive(DumpJson(call), started);
  const Json handle = started->At(0);
  CAPTURE(DumpJson(handle));
  REQUIRE(handle["result"]["resultType"] == "task");
  const Json id = handle["result"]["taskId"];

  const auto listener = std::make_shared<Recorder>();
  const Json wanted = {{"notifications", {{"taskIds", Json::array({id, "no such task", 5})}}}};
  session.Receive(Ask(2, "subscriptions/listen", wanted), listener);
  CHECK(listener->At(0)["params"]["notifications"]["taskIds"] == Json::array({id}));
  const auto stranger = std::make_shared<Recorder>();
  session.Receive(Ask(3, "subscriptions/listen", wanted, false), stranger);
  CHECK(stranger->At(0)["params"]["notifications"] == Json::object());

  size_t next = 1;
  while (listener->At(next)["params"]["status"] != "input_required") ++next;
  CHECK(listener->At(next)["method"] == "notifications/tasks");
  CHECK(listener->At(next)["params"]["taskId"] == id);
  CHECK(listener->At(next)["params"]["_meta"][std::string(meta::kSubscription)] == 2);
  CHECK(listener->At(next)["params"]["inputRequests"].contains("name"));
  const auto other = std::make_shared<Recorder>();
  const Json answers = {{"taskId", id}, {"inputResponses", {{"name", {{"action", "accept"}}}}}};
  session.Receive(Ask(4, "tasks/update", answers), other);
  while (listener->At(next)["params"]["status"] != "completed") ++next;
  CHECK(listener->At(next)["params"]["result"]["content"][0]["type"] == "text");
  CHECK(stranger->size() == 1);
  session.Close();
}

}  // namespace hearth::mcp
