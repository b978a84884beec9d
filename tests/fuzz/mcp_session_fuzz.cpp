// room: mcp
// A session answers every line with messages, whatever the lines are.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "mcp/jsonrpc/message.h"
#include "mcp/server_session.h"
#include "mcp/transport/line_buffer.h"
#include "runtime/base/clock.h"

namespace {

using namespace hearth;

class CheckingChannel : public mcp::Channel {
 public:
  void Send(std::string_view message) override { Check(message); }
  void Finish(std::string_view answer) override {
    if (!answer.empty()) Check(answer);
  }

 private:
  static void Check(std::string_view message) {
    if (message.find('\n') != std::string_view::npos) std::abort();
    if (message.front() != '[' &&
        !std::holds_alternative<mcp::Message>(mcp::ReadMessage(message)) &&
        message.find("\"id\":null") == std::string_view::npos) {
      std::abort();
    }
  }
};

class Resources : public mcp::ResourceProvider {
 public:
  std::vector<Json> List() override { return {{{"uri", "a://b"}, {"name", "b"}}}; }
  std::vector<Json> Templates() override { return {}; }
  Result<Json> Read(std::string_view uri, mcp::Request&) override {
    if (uri != "a://b") return MakeError(ErrorCode::kNotFound, "nothing at ", uri);
    return Json::array({{{"uri", uri}, {"text", "b"}}});
  }
  std::vector<std::string> Complete(std::string_view, std::string_view,
                                    std::string_view value) override {
    return {std::string(value)};
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const FakeClock clock;
  Resources resources;
  mcp::Server server({.name = "fuzz", .version = "1"}, clock, {.page = 1});
  server.SetResources(&resources);
  mcp::ServerTool echo;
  echo.name = "echo";
  echo.input = {{"type", "object"}, {"properties", {{"message", {{"type", "string"}}}}}};
  echo.run = mcp::ServerTool::Run::kInline;
  echo.handler = [](const Json& arguments, mcp::Request& request) -> Result<mcp::ToolReply> {
    request.Progress(1, 2, "half");
    const mcp::Question question{"q", "elicitation/create", Json::object()};
    if (request.era() == mcp::Era::kModern && request.CanAsk(question.method)) {
      HEARTH_TRY(const auto answers, request.Ask({&question, 1}, false));
    }
    mcp::ToolReply reply;
    reply.text = arguments.dump();
    return reply;
  };
  if (!server.AddTool(echo).ok()) std::abort();
  const auto channel = std::make_shared<CheckingChannel>();
  mcp::ServerSession session(server, channel, {});
  mcp::LineBuffer lines(4096);
  std::string_view line;
  std::memcpy(lines.Prepare(size + 1), data, size);
  lines.Commit(size);
  for (;;) {
    const auto kind = lines.Next(line);
    if (kind == mcp::LineBuffer::Kind::kNone) break;
    if (kind == mcp::LineBuffer::Kind::kLine) session.Receive(line, channel);
  }
  session.Receive(lines.Rest(), channel);
  return 0;
}
