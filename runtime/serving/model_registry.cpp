#include "runtime/serving/model_registry.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>

#include "runtime/base/log.h"

namespace hearth::serving {
namespace {

namespace fs = std::filesystem;

std::string Lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

ModelEntry Describe(const fs::path& path) {
  std::error_code error;
  const auto time = fs::last_write_time(path, error);
  const auto wall = std::chrono::file_clock::to_sys(time);
  return {Lower(path.stem().string()), path,
          error
              ? 0
              : std::chrono::duration_cast<std::chrono::seconds>(wall.time_since_epoch()).count()};
}

}  // namespace

void ModelCounts::Add(const LocalModel& model) {
  const model::EngineStats stats = model.engine().stats();
  steps += stats.steps;
  preemptions += stats.preemptions;
  guessed_tokens += stats.guessed_tokens;
  accepted_tokens += stats.accepted_tokens;
  kv_spilled += stats.kv_blocks_spilled;
  kv_restored += stats.kv_blocks_restored;
  kv_lost += stats.kv_blocks_lost;
  grammar_hits += model.grammars().hits();
  grammar_misses += model.grammars().misses();
}

uint64_t AvailableMemory() {
  std::ifstream info("/proc/meminfo");
  for (std::string line; std::getline(info, line);) {
    constexpr std::string_view kName = "MemAvailable:";
    if (line.starts_with(kName))
      return std::strtoull(line.c_str() + kName.size(), nullptr, 10) << 10;
  }
  return UINT64_MAX;
}

ModelRegistry::ModelRegistry(ModelRegistryOptions options, const Clock& clock)
    : options_(std::move(options)), clock_(clock) {
  if (!options_.default_path.empty()) default_id_ = Describe(options_.default_path).id;
  if (options_.keep_alive < std::chrono::seconds(0)) return;
  sweeper_ = std::jthread([this](std::stop_token stop) {
    std::mutex mutex;
    std::unique_lock lock(mutex);
    while (!stopping_.wait_for(lock, stop, std::chrono::seconds(1),
                               [&] { return stop.stop_requested(); })) {
      UnloadIdle();
    }
  });
}

ModelRegistry::~ModelRegistry() = default;

bool ModelRegistry::Slot::IsReady() const {
  return model.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
}

const ModelRegistry::ModelPointer* ModelRegistry::Slot::Loaded() const {
  return IsReady() && model.get().ok() ? &*model.get() : nullptr;
}

bool ModelRegistry::Slot::IsIdle() const {
  const ModelPointer* loaded = Loaded();
  return loaded != nullptr ? loaded->use_count() == 1 : IsReady();
}

void ModelRegistry::UnloadIdle() {
  Slots unloaded;
  const std::lock_guard lock(mutex_);
  const MonotonicPoint now = clock_.Monotonic();
  for (auto slot = slots_.begin(); slot != slots_.end();) {
    const auto next = std::next(slot);
    if (!slot->second.IsIdle()) {
      slot->second.used_at = now;
    } else if (now - slot->second.used_at >= options_.keep_alive) {
      Unload(slot, unloaded);
    }
    slot = next;
  }
}

std::vector<ModelEntry> ModelRegistry::List() const {
  const std::lock_guard lock(mutex_);
  const MonotonicPoint now = clock_.Monotonic();
  if (listed_at_ && now - *listed_at_ < std::chrono::seconds(1)) return listed_;
  listed_.clear();
  if (!options_.default_path.empty()) listed_.push_back(Describe(options_.default_path));
  std::error_code error;
  for (fs::directory_iterator it(options_.directory, error), end; !error && it != end;
       it.increment(error)) {
    if (it->path().extension() != ".gguf") continue;
    ModelEntry entry = Describe(it->path());
    const bool known = std::ranges::any_of(listed_, [&](auto& e) { return e.id == entry.id; });
    if (!known) listed_.push_back(std::move(entry));
  }
  std::ranges::sort(listed_, {}, &ModelEntry::id);
  listed_at_ = now;
  return listed_;
}

std::optional<ModelEntry> ModelRegistry::Find(std::string_view name) const {
  const std::string id = Lower(name);
  std::optional<ModelEntry> by_default;
  for (ModelEntry& entry : List()) {
    if (entry.id == id) return std::move(entry);
    if (entry.id == default_id_) by_default = std::move(entry);
  }
  return id == "default" ? by_default : std::nullopt;
}

bool ModelRegistry::UnloadOldest(Slots& unloaded) {
  auto oldest = slots_.end();
  for (auto it = slots_.begin(); it != slots_.end(); ++it) {
    if (!it->second.IsIdle()) continue;
    if (oldest == slots_.end() || it->second.last_use < oldest->second.last_use) oldest = it;
  }
  if (oldest == slots_.end()) return false;
  Unload(oldest, unloaded);
  return true;
}

void ModelRegistry::Unload(Slots::iterator slot, Slots& unloaded) {
  if (const ModelPointer* model = slot->second.Loaded()) left_.Add(**model);
  unloaded.insert(slots_.extract(slot));
}

Status ModelRegistry::MakeRoom(const ModelEntry& entry, Slots& unloaded) {
  while (slots_.size() >= options_.max_loaded) {
    if (UnloadOldest(unloaded)) continue;
    return MakeError(ErrorCode::kResourceExhausted, slots_.size(),
                     " models are loaded and in use, and no more may be; try again later");
  }
  const auto file = model::GgufFile::Open(entry.path.string());
  if (!file.ok()) return {};  // loading says what is wrong with it
  const uint64_t needed = model::WeightBytes(**file);
  const auto available = [&] {
    return options_.available_memory ? options_.available_memory() : AvailableMemory();
  };
  while (available() < needed) {
    const bool unloads = UnloadOldest(unloaded);
    unloaded.clear();  // its memory counts only once it is given back
    if (unloads) continue;
    return MakeError(ErrorCode::kResourceExhausted, entry.id, " needs ", needed >> 20,
                     " MiB of memory for its weights, ", available() >> 20,
                     " MiB are available and ", slots_.size(),
                     " models in use; use a smaller one or a smaller quantization");
  }
  return {};
}

bool ModelRegistry::IsLost(const Slot& slot) const {
  const ModelPointer* model = slot.Loaded();
  if (model == nullptr) return false;
  return options_.is_lost ? options_.is_lost(**model) : (*model)->engine().stats().device_lost;
}

LocalModelOptions ModelRegistry::OptionsFor(const ModelEntry& entry) const {
  LocalModelOptions options = options_.model;
  if (device_lost_ && options.model.backend == model::BackendKind::kAuto) {
    options.model.backend = model::BackendKind::kCpu;
  }
  if (entry.id == default_id_) {
    options.adapters = options_.adapters;
    options.draft_path = options_.draft_path;
  }
  return options;
}

Result<ModelRegistry::ModelPointer> ModelRegistry::Get(const ModelEntry& entry) {
  std::promise<Result<ModelPointer>> promise;
  std::shared_future<Result<ModelPointer>> model;
  bool loads = false;
  Slots unloaded;
  {
    const std::lock_guard lock(mutex_);
    auto slot = slots_.find(entry.id);
    if (slot != slots_.end() && IsLost(slot->second)) {
      Log(LogLevel::kWarn, entry.id, " is loaded again: its GPU has failed");
      device_lost_ = true;
      Unload(slot, unloaded);
      slot = slots_.end();
    }
    if (slot == slots_.end()) {
      HEARTH_CHECK_OK(MakeRoom(entry, unloaded));
      slot = slots_.emplace(entry.id, Slot{promise.get_future().share()}).first;
      loads = true;
    }
    slot->second.last_use = ++uses_;
    slot->second.used_at = clock_.Monotonic();
    model = slot->second.model;
  }
  if (!loads) return model.get();
  auto loaded = LocalModel::Load(entry.path.string(), OptionsFor(entry), clock_);
  if (loaded.ok()) {
    promise.set_value(ModelPointer(*std::move(loaded)));
  } else {
    promise.set_value(loaded.error());
    // The file may be put right.
    const std::lock_guard lock(mutex_);
    slots_.erase(entry.id);
  }
  return model.get();
}

ModelCounts ModelRegistry::Counts() const {
  const std::lock_guard lock(mutex_);
  ModelCounts counts = left_;
  for (const auto& [id, slot] : slots_) {
    if (const ModelPointer* model = slot.Loaded()) counts.Add(**model);
  }
  return counts;
}

std::vector<ModelRegistry::ModelPointer> ModelRegistry::Loaded() const {
  const std::lock_guard lock(mutex_);
  std::vector<ModelPointer> loaded;
  for (const auto& [id, slot] : slots_) {
    if (const ModelPointer* model = slot.Loaded()) loaded.push_back(*model);
  }
  return loaded;
}

}  // namespace hearth::serving
