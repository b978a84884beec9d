#include "runtime/serving/model_registry.h"

#include <algorithm>
#include <chrono>

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

bool IsReady(const std::shared_future<Result<ModelRegistry::ModelPointer>>& model) {
  return model.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
}

}  // namespace

ModelRegistry::ModelRegistry(ModelRegistryOptions options, const Clock& clock)
    : options_(std::move(options)), clock_(clock) {
  if (!options_.default_path.empty()) default_id_ = Describe(options_.default_path).id;
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

Status ModelRegistry::MakeRoom() {
  while (slots_.size() >= options_.max_loaded) {
    auto oldest = slots_.end();
    for (auto it = slots_.begin(); it != slots_.end(); ++it) {
      if (!IsReady(it->second.model)) continue;
      const auto& model = it->second.model.get();
      const bool idle = !model.ok() || model->use_count() == 1;
      if (idle && (oldest == slots_.end() || it->second.last_use < oldest->second.last_use)) {
        oldest = it;
      }
    }
    if (oldest == slots_.end()) {
      return MakeError(ErrorCode::kResourceExhausted, slots_.size(),
                       " models are loaded and in use, and no more may be; try again later");
    }
    slots_.erase(oldest);
  }
  return {};
}

Result<ModelRegistry::ModelPointer> ModelRegistry::Get(const ModelEntry& entry) {
  std::promise<Result<ModelPointer>> promise;
  std::shared_future<Result<ModelPointer>> model;
  bool loads = false;
  {
    const std::lock_guard lock(mutex_);
    auto slot = slots_.find(entry.id);
    if (slot == slots_.end()) {
      HEARTH_CHECK_OK(MakeRoom());
      slot = slots_.emplace(entry.id, Slot{promise.get_future().share()}).first;
      loads = true;
    }
    slot->second.last_use = ++uses_;
    model = slot->second.model;
  }
  if (!loads) return model.get();
  auto loaded = LocalModel::Load(entry.path.string(), options_.model, clock_);
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

std::vector<ModelRegistry::ModelPointer> ModelRegistry::Loaded() const {
  const std::lock_guard lock(mutex_);
  std::vector<ModelPointer> loaded;
  for (const auto& [id, slot] : slots_) {
    if (IsReady(slot.model) && slot.model.get().ok()) loaded.push_back(*slot.model.get());
  }
  return loaded;
}

}  // namespace hearth::serving
