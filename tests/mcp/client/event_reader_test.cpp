#include "mcp/client/event_reader.h"

#include <catch2/catch.hpp>
#include <vector>

namespace hearth::mcp {

TEST_CASE("events are read as the HTML standard says, in whatever pieces they come") {
  struct Case {
    std::string bytes;
    std::vector<std::string> events;  // name=data
    const char* last_id;
  };
  const Case cases[] = {
      {"data: a\n\n", {"message=a"}, ""},
      {"\xEF\xBB\xBF"
       "data:a\r\n\r\n",
       {"message=a"},
       ""},
      {"data: a\rdata: b\r\r", {"message=a\nb"}, ""},
      {"event: endpoint\ndata: /m?s=1\n\n", {"endpoint=/m?s=1"}, ""},
      {": comment\nid: 7\nretry: 500\ndata: \n\n", {}, "7"},
      {"id: 7\ndata: a\n\nid\ndata: b\n\n", {"message=a", "message=b"}, ""},
      {"id: 7\ndata: a\n\nid: 8\ndata: b", {"message=a"}, "7"},
      {"data:  two\nfoo: bar\ndata\n\n", {"message= two\n"}, ""},
      {"event: x\n\ndata: a\n\n", {"message=a"}, ""},
  };
  for (const Case& one : cases) {
    for (size_t piece = 1; piece <= one.bytes.size(); ++piece) {
      CAPTURE(one.bytes, piece);
      EventReader reader(1000);
      std::vector<std::string> events;
      for (size_t at = 0; at < one.bytes.size(); at += piece) {
        REQUIRE(reader
                    .Take(std::string_view(one.bytes).substr(at, piece),
                          [&](const ServerEvent& event) {
                            events.push_back(event.name + "=" + event.data);
                          })
                    .ok());
      }
      CHECK(events == one.events);
      CHECK(reader.last_id() == one.last_id);
    }
  }
}

TEST_CASE("the wait that a server asks for has a limit") {
  EventReader reader(1000);
  const auto ignore = [](const ServerEvent&) {};
  REQUIRE(reader.Take("retry: 1500\n\n", ignore).ok());
  CHECK(reader.retry() == std::chrono::milliseconds(1500));
  REQUIRE(reader.Take("retry: 12x\n\nretry: -1\n\n", ignore).ok());
  CHECK(reader.retry() == std::chrono::milliseconds(1500));
  REQUIRE(reader.Take("retry: 4000000000\n\n", ignore).ok());
  CHECK(reader.retry() == std::chrono::milliseconds(60'000));
}

TEST_CASE("an event over the limit is refused") {
  const auto ignore = [](const ServerEvent&) {};
  EventReader one_line(100);
  CHECK_FALSE(one_line.Take("data: " + std::string(200, 'x'), ignore).ok());
  EventReader lines(100);
  Status status;
  for (int i = 0; i < 50 && status.ok(); ++i) status = lines.Take("data: 0123456789\n", ignore);
  CHECK(status.error().code == ErrorCode::kResourceExhausted);
}

}  // namespace hearth::mcp
