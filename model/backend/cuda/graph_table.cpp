#include "model/backend/cuda/graph_table.h"

#include <algorithm>

namespace hearth::model::cuda {

uint32_t ContextBound(uint32_t longest, uint32_t chunk) {
  const uint64_t wanted = (uint64_t{longest} + chunk - 1) / chunk;
  uint64_t power = 1;
  while (power < wanted) power *= 2;
  // 1, 2, 3, 4, 6, 8, 12, ...
  const uint64_t between = power / 4 * 3;
  return static_cast<uint32_t>(
      std::min<uint64_t>((between >= wanted ? between : power) * chunk, UINT32_MAX));
}

GraphTable::Entry* GraphTable::Find(const StepShape& shape) {
  const auto found =
      std::ranges::find_if(entries_, [&](const Entry& e) { return e.shape == shape; });
  return found == entries_.end() ? nullptr : &*found;
}

GraphTable::Decision GraphTable::Decide(const StepShape& shape, uint64_t generation) {
  ++clock_;
  Entry* entry = Find(shape);
  if (entry == nullptr) {
    if (entries_.size() < most_) {
      entry = &entries_.emplace_back();
    } else {
      entry = &*std::ranges::min_element(entries_, {}, &Entry::used);
      *entry = {};
    }
    entry->shape = shape;
    entry->used = clock_;
    return {};
  }
  entry->used = clock_;
  if (entry->given_up) return {};
  const auto slot = static_cast<size_t>(entry - entries_.data());
  if (entry->captured && entry->generation == generation) return {Action::kReplay, slot};
  entry->captured = true;
  entry->generation = generation;
  return {Action::kCapture, slot};
}

void GraphTable::GiveUp(const StepShape& shape) {
  if (Entry* const entry = Find(shape)) entry->given_up = true;
}

}  // namespace hearth::model::cuda
