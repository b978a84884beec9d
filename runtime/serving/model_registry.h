// ModelRegistry: the models that a server offers, by name, loaded when they are first asked for.
//
// Every GGUF file of the models folder is offered under its lower-case stem, and so is the default
// model wherever it lies. At most `max_loaded` are in memory, and as many as fit there: one that
// nobody uses makes room for another, and leaves when nobody has used it for `keep_alive`.
// Thread-safe; Get blocks while a model loads.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "runtime/base/clock.h"
#include "runtime/base/core/result.h"
#include "runtime/serving/local_model.h"

namespace hearth::serving {

struct ModelEntry {
  std::string id;
  std::filesystem::path path;
  int64_t created = 0;  // the file's time, seconds since 1970
};

struct ModelRegistryOptions {
  std::filesystem::path directory;
  std::filesystem::path default_path;  // may be empty: then there is no default model
  LocalModelOptions model;
  // Of the default model alone: an adapter fits one model.
  std::vector<std::string> adapters;
  std::string draft_path;  // a small model that guesses for the default one; may be empty
  size_t max_loaded = 3;
  std::chrono::seconds keep_alive{-1};  // below 0: for ever
  // Whether the device that a model runs on has failed; null: as its engine says.
  std::function<bool(const LocalModel&)> is_lost;
  // Bytes of memory that a model may be given; null: what the system says is available.
  std::function<uint64_t()> available_memory;
};

// What engines and grammar caches have counted.
struct ModelCounts {
  uint64_t steps = 0;
  uint64_t preemptions = 0;
  uint64_t guessed_tokens = 0;
  uint64_t accepted_tokens = 0;
  uint64_t kv_spilled = 0, kv_restored = 0, kv_lost = 0;  // blocks; see EngineStats
  uint64_t grammar_hits = 0;
  uint64_t grammar_misses = 0;

  void Add(const LocalModel& model);
};

// MemAvailable of the system; the largest number where it does not say.
uint64_t AvailableMemory();

class ModelRegistry {
 public:
  using ModelPointer = std::shared_ptr<const LocalModel>;
  // The clock must outlive it.
  ModelRegistry(ModelRegistryOptions options, const Clock& clock);
  ~ModelRegistry();

  // By id, ascending. Looks at the folder at most once a second.
  std::vector<ModelEntry> List() const;
  // Names are compared without regard to case. "default" is the default model, unless a file is
  // called so.
  std::optional<ModelEntry> Find(std::string_view name) const;
  // The model of an entry. One whose device has failed is loaded again, on the CPU where the
  // backend is BackendKind::kAuto. kResourceExhausted where as many are in use as may be loaded, or
  // where its weights do not fit beside them.
  Result<ModelPointer> Get(const ModelEntry& entry);

  const std::string& default_id() const { return default_id_; }
  // Those that are loaded.
  std::vector<ModelPointer> Loaded() const;
  // Of all models since the registry was made, those that have left included: no count ever falls.
  ModelCounts Counts() const;
  // Lets those go that nobody has used for keep_alive; a thread does so each second.
  void UnloadIdle();

 private:
  struct Slot {
    std::shared_future<Result<ModelPointer>> model;
    uint64_t last_use = 0;
    MonotonicPoint used_at;  // when it was last seen in use
    bool IsReady() const;    // it is loaded, or could not be
    // Null where it is not loaded.
    const ModelPointer* Loaded() const;
    // Ready, and nobody has it.
    bool IsIdle() const;
  };
  using Slots = std::map<std::string, Slot>;
  // Under mutex_. Moves slots to `unloaded`, to be destroyed without the mutex: that may take long.
  Status MakeRoom(const ModelEntry& entry, Slots& unloaded);
  bool UnloadOldest(Slots& unloaded);
  void Unload(Slots::iterator slot, Slots& unloaded);
  bool IsLost(const Slot& slot) const;
  LocalModelOptions OptionsFor(const ModelEntry& entry) const;

  const ModelRegistryOptions options_;
  const Clock& clock_;
  std::string default_id_;
  mutable std::mutex mutex_;
  Slots slots_;  // by id
  uint64_t uses_ = 0;
  ModelCounts left_;                       // of models that have left
  std::atomic<bool> device_lost_ = false;  // from now on models are on the CPU, where they may
  mutable std::vector<ModelEntry> listed_;
  mutable std::optional<MonotonicPoint> listed_at_;
  std::condition_variable_any stopping_;
  std::jthread sweeper_;
};

}  // namespace hearth::serving
