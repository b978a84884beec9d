// Plays the golden conversations of tests/conformance/*.txt against the fixture server.
//
// A line "> JSON" is what the client sends, "< JSON" what the server must send next; "*" in an
// expected message stands for any value, and members that are not expected are a failure. Lines
// that begin with # are comments, "---" begins another connection.
#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <fstream>
#include <mutex>

#include "mcp/server_session.h"
#include "runtime/base/clock.h"
#include "tests/conformance/fixture.h"

namespace hearth::mcp {
namespace {

class QueueChannel : public Channel {
 public:
  void Send(std::string_view message) override { Add(message); }
  void Finish(std::string_view answer) override {
    if (!answer.empty()) Add(answer);
  }
  // The next message; empty where none comes.
  std::string Take() {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, std::chrono::seconds(30), [&] { return !messages_.empty(); })) {
      return {};
    }
    std::string message = std::move(messages_.front());
    messages_.pop_front();
    return message;
  }
  bool empty() {
    const std::lock_guard lock(mutex_);
    return messages_.empty();
  }

 private:
  void Add(std::string_view message) {
    const std::lock_guard lock(mutex_);
    messages_.emplace_back(message);
    changed_.notify_all();
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::string> messages_;
};

bool Matches(const Json& expected, const Json& actual) {
  if (expected == "*") return true;
  if (expected.type() != actual.type()) return expected == actual;  // numbers of another kind
  if (expected.is_array()) {
    return std::ranges::equal(expected, actual, Matches);
  }
  if (!expected.is_object()) return expected == actual;
  if (expected.size() != actual.size()) return false;
  return std::ranges::all_of(expected.items(), [&](const auto& member) {
    const Json* other = FindMember(actual, member.key());
    return other != nullptr && Matches(member.value(), *other);
  });
}

struct Connection {
  SystemClock clock;
  fixture::FixtureResources resources;
  fixture::FixturePrompts prompts;
  Server server{fixture::Info(), clock};
  std::shared_ptr<QueueChannel> channel = std::make_shared<QueueChannel>();
  std::unique_ptr<ServerSession> session;
  Json last;  // what the server said last

  Connection() {
    server.SetResources(&resources);
    server.SetPrompts(&prompts);
    REQUIRE(fixture::AddTools(server).ok());
    session = std::make_unique<ServerSession>(server, channel, ServerSession::Options{});
  }
};

// "$STATE" in what the client sends is the request state that the server gave last.
std::string WithState(std::string text, const Json& last) {
  const size_t at = text.find("$STATE");
  if (at == std::string::npos) return text;
  const Json* result = FindMember(last, "result");
  REQUIRE(result != nullptr);
  return text.replace(at, 6, result->at("requestState").get<std::string>());
}

void Play(const std::filesystem::path& path) {
  std::ifstream file(path);
  auto connection = std::make_unique<Connection>();
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    INFO(path.filename().string() << ":" << number << ": " << line);
    if (line == "---") {
      CHECK(connection->channel->empty());
      connection = std::make_unique<Connection>();
    } else if (line.starts_with("> ")) {
      connection->session->Receive(WithState(line.substr(2), connection->last),
                                   connection->channel);
    } else if (line.starts_with("< ")) {
      const auto expected = ParseJson(line.substr(2));
      REQUIRE(expected.ok());
      const std::string said = connection->channel->Take();
      INFO("the server said: " << said);
      const auto actual = ParseJson(said);
      REQUIRE(actual.ok());
      CHECK(Matches(*expected, *actual));
      connection->last = *actual;
    } else {
      REQUIRE((line.empty() || line.starts_with("#")));
    }
  }
  CHECK(connection->channel->empty());
}

}  // namespace

TEST_CASE("the golden conversations go as they are written down") {
  size_t count = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(HEARTH_SOURCE_DIR "/tests/conformance")) {
    if (entry.path().extension() != ".txt") continue;
    ++count;
    Play(entry.path());
  }
  CHECK(count >= 5);
}

TEST_CASE("a conversation that differs is noticed") {
  CHECK(Matches(*ParseJson(R"({"a":"*","b":[1,{"c":2}]})"),
                *ParseJson(R"({"b":[1,{"c":2}],"a":7})")));
  CHECK_FALSE(Matches(*ParseJson(R"({"a":1})"), *ParseJson(R"({"a":1,"b":2})")));
  CHECK_FALSE(Matches(*ParseJson(R"([1,2])"), *ParseJson(R"([1,2,3])")));
}

}  // namespace hearth::mcp
