// ModelRegistry: the models that a server offers, by name, loaded when they are first asked for.
//
// Every GGUF file of the models folder is offered under its lower-case stem, and so is the default
// model wherever it lies. At most `max_loaded` are in memory: one that nobody uses makes room for
// another. Thread-safe; Get blocks while a model loads.
#pragma once

#include <filesystem>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
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
  size_t max_loaded = 3;
};

class ModelRegistry {
 public:
  using ModelPointer = std::shared_ptr<const LocalModel>;
  // The clock must outlive it.
  ModelRegistry(ModelRegistryOptions options, const Clock& clock);

  // By id, ascending. Looks at the folder at most once a second.
  std::vector<ModelEntry> List() const;
  // Names are compared without regard to case. "default" is the default model, unless a file is
  // called so.
  std::optional<ModelEntry> Find(std::string_view name) const;
  // The model of an entry. kResourceExhausted where as many are in use as may be loaded.
  Result<ModelPointer> Get(const ModelEntry& entry);

  const std::string& default_id() const { return default_id_; }
  // Those that are loaded.
  std::vector<ModelPointer> Loaded() const;

 private:
  struct Slot {
    std::shared_future<Result<ModelPointer>> model;
    uint64_t last_use = 0;
  };
  Status MakeRoom();  // under mutex_

  const ModelRegistryOptions options_;
  const Clock& clock_;
  std::string default_id_;
  mutable std::mutex mutex_;
  std::map<std::string, Slot> slots_;  // by id
  uint64_t uses_ = 0;
  mutable std::vector<ModelEntry> listed_;
  mutable std::optional<MonotonicPoint> listed_at_;
};

}  // namespace hearth::serving
