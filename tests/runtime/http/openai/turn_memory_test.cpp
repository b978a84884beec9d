#include "runtime/http/openai/turn_memory.h"

#include <catch2/catch.hpp>

namespace hearth::http::openai {
namespace {

serving::Message Reply(const std::string& id) {
  return {.role = serving::Role::kAssistant,
          .reasoning = "because",
          .calls = {{id, "f", {{"a", 1}}}},
          .raw = "<call>"};
}

serving::Message Sent(const std::string& id) {
  serving::Message message = Reply(id);
  message.reasoning.clear();
  message.raw.clear();
  return message;
}

TEST_CASE("reasoning that a client drops is put back, what it changed is left alone") {
  TurnMemory memory(1 << 20);
  memory.Keep(Reply("c1"));
  serving::Message same = Sent("c1");
  memory.Complete(same);
  CHECK(same.reasoning == "because");
  CHECK(same.raw == "<call>");

  serving::Message other = Sent("c1");
  other.calls[0].arguments["a"] = 2;
  memory.Complete(other);
  CHECK(other.reasoning.empty());
  serving::Message said = Sent("c1");
  said.content = "I said more";
  memory.Complete(said);
  CHECK(said.raw.empty());
  serving::Message thought = Sent("c1");
  thought.reasoning = "for another reason";
  memory.Complete(thought);
  CHECK(thought.reasoning == "for another reason");
  CHECK(thought.raw.empty());
  serving::Message strange = Sent("c9");
  memory.Complete(strange);
  CHECK(strange.reasoning.empty());
}

TEST_CASE("the oldest replies are forgotten first") {
  TurnMemory memory(3 * 600);
  for (const char* id : {"c1", "c2", "c3", "c4"}) memory.Keep(Reply(id));
  serving::Message first = Sent("c1");
  memory.Complete(first);
  CHECK(first.reasoning.empty());
  serving::Message last = Sent("c4");
  memory.Complete(last);
  CHECK(last.reasoning == "because");
}

}  // namespace
}  // namespace hearth::http::openai
