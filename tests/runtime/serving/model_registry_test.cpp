#include "runtime/serving/model_registry.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "tests/memory/temp_directory.h"
#include "tests/support/files.h"

namespace hearth::serving {
namespace {

namespace fs = std::filesystem;

struct Fixture {
  TempDirectory directory;
  SystemClock clock;

  void Add(const char* name) const {
    fs::copy_file(test::Golden("inference/tiny/llama-test-F16.gguf"), directory / name);
  }
  ModelRegistryOptions Options(size_t max_loaded = 2) const {
    ModelRegistryOptions options;
    options.directory = directory.path();
    options.model.model.threads = 1;
    options.max_loaded = max_loaded;
    return options;
  }
};

std::vector<std::string> Ids(const std::vector<ModelEntry>& entries) {
  std::vector<std::string> ids;
  for (const ModelEntry& entry : entries) ids.push_back(entry.id);
  return ids;
}

TEST_CASE_METHOD(Fixture, "models are offered under their lower-case stems") {
  Add("Beta.Q4.gguf");
  Add("alpha.GGUF.gguf");
  Add("notes.txt");
  TempDirectory elsewhere;
  fs::copy_file(test::Golden("inference/tiny/llama-test-F16.gguf"), elsewhere / "Default-M.gguf");
  ModelRegistryOptions options = Options();
  options.default_path = elsewhere / "Default-M.gguf";
  const ModelRegistry models(options, clock);
  CHECK(Ids(models.List()) == std::vector<std::string>{"alpha.gguf", "beta.q4", "default-m"});
  CHECK(models.default_id() == "default-m");
  CHECK(models.Find("BETA.q4")->path == directory / "Beta.Q4.gguf");
  CHECK(models.Find("default")->id == "default-m");
  CHECK_FALSE(models.Find("gamma"));
  CHECK_FALSE(models.Find("notes"));
  CHECK_FALSE(models.Find("../beta.q4"));
}

TEST_CASE_METHOD(Fixture, "without a default model no name means it") {
  Add("one.gguf");
  const ModelRegistry models(Options(), clock);
  CHECK_FALSE(models.Find("default"));
  CHECK(models.default_id().empty());
}

TEST_CASE_METHOD(Fixture, "a model loads once, and one that nobody uses makes room") {
  Add("one.gguf");
  Add("two.gguf");
  Add("three.gguf");
  ModelRegistry models(Options(2), clock);
  auto one = models.Get(*models.Find("one"));
  REQUIRE(one.ok());
  CHECK(models.Get(*models.Find("one"))->get() == one->get());
  auto two = models.Get(*models.Find("two"));
  REQUIRE(two.ok());
  const auto third = models.Get(*models.Find("three"));
  REQUIRE_FALSE(third.ok());
  CHECK(third.error().code == ErrorCode::kResourceExhausted);
  two->reset();
  CHECK(models.Get(*models.Find("three")).ok());
  CHECK(models.Loaded().size() == 2);
}

TEST_CASE_METHOD(Fixture, "a model that nobody has used for a while leaves") {
  Add("one.gguf");
  Add("two.gguf");
  FakeClock fake;
  ModelRegistryOptions options = Options(2);
  options.keep_alive = std::chrono::seconds(3600);
  ModelRegistry models(options, fake);
  auto one = models.Get(*models.Find("one"));
  REQUIRE(one.ok());
  REQUIRE(models.Get(*models.Find("two")).ok());
  fake.Advance(std::chrono::seconds(3599));
  models.UnloadIdle();
  CHECK(models.Loaded().size() == 2);
  fake.Advance(std::chrono::seconds(2));
  models.UnloadIdle();
  REQUIRE(models.Loaded().size() == 1);  // one is in use
  CHECK(models.Loaded()[0].get() == one->get());
  one->reset();
  models.UnloadIdle();
  CHECK(models.Loaded().size() == 1);  // it was, a moment ago
  fake.Advance(std::chrono::seconds(3601));
  models.UnloadIdle();
  CHECK(models.Loaded().empty());
}

TEST_CASE_METHOD(Fixture, "what was counted stays counted when a model leaves") {
  Add("one.gguf");
  Add("two.gguf");
  ModelRegistry models(Options(1), clock);
  const auto write_one = [&](const char* name) {
    const auto model = models.Get(*models.Find(name));
    REQUIRE(model.ok());
    RequestPart part;
    const auto prepared = (*model)->PrepareText("a", {.max_tokens = 3}, part);
    REQUIRE(prepared.ok());
    const auto stream = (*model)->Start(*prepared, 1);
    REQUIRE(stream.ok());
    std::vector<model::Event> events;
    while (events.empty() || events.back().kind != model::Event::Kind::kFinished) {
      (*stream)->Wait();
      (*stream)->Take(events);
    }
  };
  write_one("one");
  const ModelCounts first = models.Counts();
  CHECK(first.steps > 0);
  REQUIRE(models.Get(*models.Find("two")).ok());
  CHECK(models.Loaded().size() == 1);
  CHECK(models.Counts().steps >= first.steps);
  write_one("two");
  CHECK(models.Counts().steps > first.steps);
}

TEST_CASE_METHOD(Fixture, "models that do not fit in memory make room, or say what they need") {
  Add("one.gguf");
  Add("two.gguf");
  std::weak_ptr<const LocalModel> first;
  ModelRegistryOptions options = Options(3);
  options.available_memory = [&]() -> uint64_t { return first.expired() ? 1 << 30 : 1000; };
  ModelRegistry models(options, clock);
  auto one = models.Get(*models.Find("one"));
  REQUIRE(one.ok());
  first = *one;
  const auto two = models.Get(*models.Find("two"));
  REQUIRE_FALSE(two.ok());
  CHECK(two.error().code == ErrorCode::kResourceExhausted);
  CHECK(two.error().message.find("MiB") != std::string::npos);
  one->reset();
  CHECK(models.Get(*models.Find("two")).ok());
  CHECK(models.Loaded().size() == 1);
}

TEST_CASE_METHOD(Fixture, "a file that does not load says why, and may be put right") {
  std::ofstream(directory / "bad.gguf") << "no model";
  ModelRegistry models(Options(), clock);
  const auto bad = models.Get(*models.Find("bad"));
  REQUIRE_FALSE(bad.ok());
  CHECK(bad.error().message.find("bad.gguf") != std::string::npos);
  fs::remove(directory / "bad.gguf");
  Add("bad.gguf");
  CHECK(models.Get(*models.Find("bad")).ok());
}

}  // namespace
}  // namespace hearth::serving
