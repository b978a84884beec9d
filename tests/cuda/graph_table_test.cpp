// Which passes become graphs, and when one does not fit any more.
#include "model/backend/cuda/graph_table.h"

#include <catch2/catch.hpp>

namespace hearth::model::cuda {
namespace {

using Action = GraphTable::Action;

StepShape Shape(uint32_t sequences, uint32_t context = 256) {
  return {.counts = std::vector<uint32_t>(sequences, 1), .heads = sequences, .context = context};
}

TEST_CASE("a shape is run, then captured, then replayed") {
  GraphTable table(4);
  CHECK(table.Decide(Shape(1), 7).action == Action::kRun);
  const auto captured = table.Decide(Shape(1), 7);
  CHECK(captured.action == Action::kCapture);
  for (int i = 0; i < 3; ++i) {
    const auto replayed = table.Decide(Shape(1), 7);
    CHECK(replayed.action == Action::kReplay);
    CHECK(replayed.slot == captured.slot);
  }
}

TEST_CASE("everything that launches depend on makes another shape") {
  int kv = 0;
  const StepShape shapes[] = {
      Shape(1),
      Shape(2),
      Shape(1, 512),
      {.counts = {2}, .heads = 1, .context = 256},
      {.counts = {2}, .heads = 2, .context = 256},
      {.counts = {1, 2}, .heads = 2, .context = 256},
      {.counts = {2, 1}, .heads = 2, .context = 256},
      {.counts = {1}, .heads = 1, .context = 256, .kv = &kv},
  };
  GraphTable table(16);
  for (const StepShape& shape : shapes) CHECK(table.Decide(shape, 1).action == Action::kRun);
  std::vector<bool> taken(16);
  for (const StepShape& shape : shapes) {
    const auto decision = table.Decide(shape, 1);
    CHECK(decision.action == Action::kCapture);
    CHECK_FALSE(taken[decision.slot]);
    taken[decision.slot] = true;
  }
}

TEST_CASE("a graph that was made before buffers moved is made again") {
  GraphTable table(4);
  table.Decide(Shape(1), 1);
  table.Decide(Shape(1), 1);
  CHECK(table.Decide(Shape(1), 2).action == Action::kCapture);
  CHECK(table.Decide(Shape(1), 2).action == Action::kReplay);
}

TEST_CASE("the shape that was used least recently gives way") {
  GraphTable table(2);
  for (const uint32_t n : {1u, 1u, 2u, 2u, 1u}) table.Decide(Shape(n), 1);
  CHECK(table.Decide(Shape(3), 1).action == Action::kRun);  // in place of 2
  CHECK(table.Decide(Shape(1), 1).action == Action::kReplay);
  CHECK(table.Decide(Shape(3), 1).action == Action::kCapture);
  CHECK(table.Decide(Shape(2), 1).action == Action::kRun);  // in place of 1
  CHECK(table.Decide(Shape(1), 1).action == Action::kRun);
}

TEST_CASE("a shape that cannot be captured is not tried again") {
  GraphTable table(2);
  table.Decide(Shape(1), 1);
  CHECK(table.Decide(Shape(1), 1).action == Action::kCapture);
  table.GiveUp(Shape(1));
  CHECK(table.Decide(Shape(1), 1).action == Action::kRun);
  CHECK(table.Decide(Shape(1), 2).action == Action::kRun);
}

TEST_CASE("bounds of contexts hold them and are not far off") {
  const struct {
    uint32_t longest, bound;
  } kCases[] = {{1, 256},
                {256, 256},
                {257, 512},
                {512, 512},
                {513, 768},
                {769, 1024},
                {1025, 1536},
                {1537, 2048},
                {2049, 3072},
                {16384, 16384},
                {16385, 24576},
                {24577, 32768},
                {UINT32_MAX, UINT32_MAX}};
  for (const auto& c : kCases) {
    CAPTURE(c.longest);
    CHECK(ContextBound(c.longest, 256) == c.bound);
  }
}

}  // namespace
}  // namespace hearth::model::cuda
