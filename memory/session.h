// Session, Item, TokenRun, Step: what a conversation is on disk.
//
// A transcript is a list of epochs. Inside an epoch things are only ever appended: typed items, and
// the runs of exact token ids that the model saw and wrote. Compaction, rewind, a change of system
// prompt or tools begin the next epoch, which starts with copies of the items that it keeps.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "memory/trust.h"
#include "runtime/base/clock.h"
#include "runtime/base/core/token_set.h"
#include "runtime/base/json.h"

namespace hearth::memory {

struct Session {
  std::string id;
  std::string repository;  // the task repository it is bound to, for its whole life
  std::string title;
  std::string model;
  std::string system_prompt;
  int epoch = 0;  // the one that grows
  TimePoint created_at;
  TimePoint updated_at;  // of the last thing appended
};

struct NewSession {
  std::string repository = "default";
  std::string title;
  std::string model;
  std::string system_prompt;
};

enum class ItemKind { kSystem, kUser, kReasoning, kText, kToolCall, kToolResult };

struct NewItem {
  ItemKind kind = ItemKind::kUser;
  Json payload;                   // what the kind's writer puts there; any JSON value
  Trust trust = Trust::kTrusted;  // of the payload's text
  std::string call_id;            // of a tool call and its result, else empty
  int turn = 0;                   // which user message it belongs to, from 1
  int step = 0;                   // which model run of that turn; 0 is what comes before the first
};

struct Item : NewItem {
  int64_t seq = 0;  // ascending in the session, items and token runs together
  int epoch = 0;
  TimePoint created_at;
};

struct TokenRun {
  enum class Source {
    kRendered,   // the chat template's text, tokenized
    kGenerated,  // sampled or forced
  };
  Source source = Source::kRendered;
  std::vector<TokenId> ids;
  int64_t last_item = 0;  // seq of the last item that the epoch's runs up to this one cover
  int64_t seq = 0;        // set by the store
};

enum class StepState {
  kRunning,
  kDone,
  kFailed,
  kCancelled,
  kInterrupted,  // it was running when its process ended
};

struct Step {
  int turn = 0;
  int step = 0;
  StepState state = StepState::kRunning;
  Json usage = Json::object();  // counts, named by the agent
  TimePoint started_at;
  std::optional<TimePoint> ended_at;
};

// One epoch as a session goes on from it.
struct Transcript {
  int epoch = 0;
  std::string reason;  // why the epoch before it ended; empty for the first
  std::vector<Item> items;
  std::vector<TokenRun> runs;

  // The epoch's token ids in order: what the KV cache holds.
  std::vector<TokenId> Tokens() const;
};

const char* ToString(ItemKind kind);
const char* ToString(StepState state);
const char* ToString(TokenRun::Source source);

}  // namespace hearth::memory
