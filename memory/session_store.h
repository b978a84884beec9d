// SessionStore: conversations, kept so that a killed process can go on where it was.
//
// A cheap handle on a store; thread-safe. Each call is one transaction, or part of the caller's: to
// store a tool's effect and its result together, wrap both in Store::Transact. A session that does
// not exist is kNotFound everywhere.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "memory/session.h"
#include "memory/store.h"

namespace hearth::memory {

class SessionStore {
 public:
  // The store must outlive the handle.
  explicit SessionStore(Store& store) : store_(store) {}

  // Starts with epoch 0, which is empty. The repository comes into being where there is none.
  Result<Session> Create(const NewSession& fields);
  Result<Session> Get(std::string_view id);
  // Those used last first.
  Result<std::vector<Session>> List(int limit = 100);
  Status Rename(std::string_view id, std::string_view title);
  // With its whole transcript; the tasks stay.
  Status Delete(std::string_view id);

  // Appends to the epoch that grows and returns the item's seq. kConflict where a tool call of that
  // id, or its result, is already there: a call is answered once.
  Result<int64_t> Append(std::string_view id, const NewItem& item);
  Result<int64_t> AppendTokens(std::string_view id, const TokenRun& run);
  // Ends the epoch and begins the next with these items, which have no tokens yet. Returns its
  // number.
  Result<int> BeginEpoch(std::string_view id, std::string_view reason,
                         std::span<const NewItem> items);
  // The epoch that grows, or an earlier one.
  Result<Transcript> Load(std::string_view id, std::optional<int> epoch = std::nullopt);
  // Tool calls of the growing epoch that have no result: after a crash, those that may have run.
  Result<std::vector<Item>> UnansweredCalls(std::string_view id);

  // A step is running from Begin to End, one a session at a time: kConflict where another one is,
  // be it this process's or one that died (then InterruptSteps comes first).
  Status BeginStep(std::string_view id, int turn, int step);
  Status EndStep(std::string_view id, int turn, int step, StepState state, const Json& usage);
  // Marks what was running when a process ended, and returns it.
  Result<std::vector<Step>> InterruptSteps(std::string_view id);
  // In order of turn and step.
  Result<std::vector<Step>> Steps(std::string_view id);

 private:
  // Inside Transact: takes the next seq of the session and notes that it was used.
  Result<int64_t> TakeSeq(std::string_view id, int& epoch);

  Store& store_;
};

}  // namespace hearth::memory
