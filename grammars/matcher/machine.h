// Machine: takes bytes through a Program.
//
// A Config is a node in some state with a frame below it that says who goes on when the node is
// done. Frames are persistent: pushing makes one that points to its parent, popping is following
// the pointer, so a fork or a rollback copies nothing. Each frame carries the hash of its whole
// chain; two configs with equal node, state and chain hash are one. What matches is a set of
// configs, usually of size one.
#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "grammars/matcher/config_set.h"
#include "grammars/matcher/json_string.h"
#include "grammars/matcher/program.h"

namespace hearth::grammar {

struct Frame {
  NodeIndex node = kNoNode;
  FrameIndex parent = kBottomFrame;
  uint64_t state = 0;
  uint64_t extra = 0;
  uint64_t chain_hash = 0;
  uint32_t depth = 0;
};

// What follows a state in an object or array; the low four bits of their state.
enum JsonPhase : uint64_t {
  kPhaseOpen,        // the bracket itself
  kPhaseFirst,       // whitespace, then a first key or item, or the closing bracket
  kPhaseColon,       // whitespace, then the colon
  kPhaseValue,       // whitespace, then a value
  kPhaseAfterValue,  // whitespace, then a comma or the closing bracket
  kPhaseNext,        // after a comma: whitespace, then a key or item
  kPhaseKey,         // frames only: a declared key is being read
  kPhaseExtraKey,    // frames only: another key is being read
};

class Machine {
 public:
  // `far`: more bytes than any token has, so more than any counter moves within one.
  Machine(const Program& program, uint32_t far);

  using Set = ConfigSet;
  Config Start() const { return StartOf(program_->root, kBottomFrame); }

  // Appends to `out` what config becomes by the byte; nothing where it dies.
  void Step(const Config& config, uint8_t byte, Set& out);
  void StepToken(const Config& config, TokenId token, Set& out);
  void AppendTokens(const Config& config, std::vector<TokenId>& out);
  bool CanEnd(const Config& config);
  // Adds the bytes that Step may take.
  void Live(const Config& config, ByteSet& out);
  // Appends what goes on below a finished child.
  void Resume(FrameIndex frame, uint32_t outcome, Set& out);

  // Frames made since a mark are dropped by going back to it.
  size_t Mark() const { return frames_.size(); }
  void Release(size_t mark) { frames_.resize(mark); }
  const Frame& frame(FrameIndex i) const { return frames_[i]; }
  const Program& program() const { return *program_; }

  // While watched, the lowest depth of the frames that existed before and were read; UINT32_MAX:
  // none. Watches nest: what an inner one sees, the outer one sees too.
  struct Watch {
    size_t mark = 0;
    uint32_t lowest = UINT32_MAX;
  };
  Watch BeginWatch() { return std::exchange(watch_, Watch{frames_.size(), UINT32_MAX}); }
  // Gives what was read since, and goes on with the outer one.
  uint32_t EndWatch(const Watch& outer) {
    const uint32_t lowest = watch_.lowest;
    watch_ = {outer.mark, std::min(outer.lowest, lowest)};
    return lowest;
  }
  // For one who knows from before what reading would read.
  void NoteRead(uint32_t depth) { watch_.lowest = std::min(watch_.lowest, depth); }

  // Whether the config stands between two JSON tokens, and what whitespace may come: any; blanks,
  // after a line break and so far from the longest run that no token reaches it; or none.
  enum class Gap : uint8_t { kStart, kLine, kBare, kNoGap };
  Gap GapOf(const Config& config) const;

  // The part of the hash of a config or frame that a mask can depend on: counters far from their
  // bounds count as one.
  uint64_t LocalHash(NodeIndex node, uint64_t state, uint64_t extra) const;

 private:
  Config StartOf(NodeIndex node, FrameIndex parent) const;
  void StepStart(NodeIndex node, FrameIndex parent, uint8_t byte, Set& out);
  void StepText(const Config& config, JsonString::State state, uint8_t byte, Set& out);
  void StepSequence(NodeIndex node, uint64_t from, FrameIndex parent, uint8_t byte, Set& out);
  // Between an object's or array's parts: takes whitespace; true where the byte is to be read as
  // something else.
  bool PassSpace(const Config& config, uint8_t byte, Set& out);
  bool WantsBlank(const Config& config) const;
  void StepObject(const Config& config, uint8_t byte, Set& out);
  void StepArray(const Config& config, uint8_t byte, Set& out);
  void StepKeys(const Config& config, uint8_t byte, Set& out);
  void ResumeAndStep(FrameIndex frame, uint32_t outcome, uint8_t byte, Set& out);
  void BeginKey(const Config& object, uint64_t position, Set& out);
  void LiveArrayItem(const ArraySpec& spec, const Config& config, ByteSet& out);
  void StartItem(const Config& array, uint8_t byte, Set& out);
  bool MoreItems(const ArraySpec& spec, const Config& config) const;
  bool MoreKeys(const ObjectSpec& spec, const Config& config) const;
  bool KeyAllowed(const ObjectSpec& spec, uint64_t index, uint64_t state, uint64_t extra) const;
  bool ExtraAllowed(const ObjectSpec& spec, uint64_t state, uint64_t extra) const;
  bool ObjectCanClose(const ObjectSpec& spec, uint64_t state, uint64_t extra) const;
  FrameIndex Push(NodeIndex node, FrameIndex parent, uint64_t state, uint64_t extra);
  void Add(const Config& config, Set& out) const;

  const Program* program_;
  uint64_t far_;
  std::vector<Frame> frames_;
  Watch watch_;
};

}  // namespace hearth::grammar
