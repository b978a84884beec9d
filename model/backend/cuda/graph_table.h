// GraphTable: which passes are worth a CUDA graph, and whether the one that was made still fits.
//
// A graph repeats the launches of a pass with the arguments that they had. So it fits a pass whose
// shape is the same, as long as no buffer has moved since: those who own buffers count their moves
// (the generation). A shape is run as it is the first time, which lets buffers grow; its second
// pass is captured; from the third on the graph is replayed.
//
// Pure host code, not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace hearth::model::cuda {

// What the launches of a pass depend on.
struct StepShape {
  std::vector<uint32_t> counts;  // tokens of each sequence
  uint32_t heads = 0;            // tokens whose logits are wanted
  uint32_t context = 0;          // bound of the contexts, from ContextBound
  const void* kv = nullptr;
  bool operator==(const StepShape&) const = default;
};

// A bound of contexts that are `longest` at most, in positions. Attention's grid follows it; it
// grows by a third or a half at a time, from `chunk` on, so that a context that grows seldom asks
// for another graph.
uint32_t ContextBound(uint32_t longest, uint32_t chunk);

class GraphTable {
 public:
  // At most so many graphs; the one that was used least recently gives way.
  explicit GraphTable(size_t most) : most_(most) {}

  enum class Action : uint8_t {
    kRun,      // launch by launch
    kCapture,  // into slot
    kReplay,   // from slot
  };
  struct Decision {
    Action action = Action::kRun;
    size_t slot = 0;  // below `most`
  };
  // What to do with the next pass.
  Decision Decide(const StepShape& shape, uint64_t generation);
  // A pass of this shape could not be captured: it is not tried again.
  void GiveUp(const StepShape& shape);

 private:
  struct Entry {
    StepShape shape;
    uint64_t used = 0;        // when
    uint64_t generation = 0;  // of the graph
    bool captured = false;
    bool given_up = false;
  };
  Entry* Find(const StepShape& shape);

  const size_t most_;
  uint64_t clock_ = 0;
  std::vector<Entry> entries_;  // the index is the slot
};

}  // namespace hearth::model::cuda
