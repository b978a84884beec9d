#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstring>

#include "model/backend/cuda/row_chooser.h"

namespace hearth::model::cuda {

// ChoiceChange is LogitChange, and the kernels' rounds are its rounds.
static_assert(sizeof(ChoiceChange) == sizeof(LogitChange) &&
              offsetof(ChoiceChange, id) == offsetof(LogitChange, id) &&
              offsetof(ChoiceChange, round) == offsetof(LogitChange, round) &&
              offsetof(ChoiceChange, value) == offsetof(LogitChange, value));
static_assert(static_cast<int>(LogitChange::Round::kBar) == 0 &&
              static_cast<int>(LogitChange::Round::kRepetition) == 2 && LogitChange::kRounds == 5);

size_t RowChooser::AddSet(const TokenSet& allowed, ChoiceRow& row) {
  row.first_word = static_cast<unsigned>(words_.size());
  if (allowed.kind == TokenSet::Kind::kList) {
    row.kind = ChoiceRow::kList;
    for (const TokenId id : allowed.list) words_.push_back(static_cast<uint32_t>(id));
    row.n_words = row.places = static_cast<unsigned>(allowed.list.size());
    return allowed.list.size();
  }
  row.kind = ChoiceRow::kBits;
  row.n_words = (vocab_ + 31) / 32;
  words_.resize(words_.size() + row.n_words);
  const auto bits = std::span(words_).last(row.n_words);
  allowed.ToBitmask(bits);
  if (vocab_ % 32 != 0) bits.back() &= (1u << vocab_ % 32) - 1;
  size_t allows = 0;
  for (const uint32_t word : bits) allows += static_cast<size_t>(std::popcount(word));
  return allows;
}

void RowChooser::Choose(size_t head, const TokenChoice& choice) {
  ChoiceRow row{};
  row.head = static_cast<unsigned>(head);
  row.places = vocab_;
  const size_t allows = choice.allowed != nullptr ? AddSet(*choice.allowed, row) : vocab_;
  row.first_change = static_cast<unsigned>(words_.size());
  row.n_changes = static_cast<unsigned>(choice.changes.size());
  words_.resize(words_.size() + choice.changes.size() * (sizeof(ChoiceChange) / 4));
  if (!choice.changes.empty()) {
    std::memcpy(&words_[row.first_change], choice.changes.data(), choice.changes.size_bytes());
  }
  row.greedy = choice.temperature == 0;
  if (!row.greedy) {
    row.top_k = choice.top_k < allows ? choice.top_k : 0;
    row.top_p = choice.top_p;
    row.min_p = choice.min_p;
    row.ordered = row.top_k != 0 || choice.top_p < 1;
    row.scale = 1.0 / choice.temperature;
    row.uniform = choice.uniform;
  }
  rows_.push_back(row);
}

bool RowChooser::Send(Device& device) {
  const size_t row_bytes = rows_.size() * sizeof(ChoiceRow);
  const size_t bytes = row_bytes + words_.size() * sizeof(uint32_t);
  if (bytes > host_.size() && !host_.TryReserve(2 * bytes)) {
    device.NoteShortage(2 * bytes);
    return false;
  }
  if (rows_.size() > host_tokens_.size() && !host_tokens_.TryReserve(rows_.size())) {
    device.NoteShortage(rows_.size() * sizeof(int));
    return false;
  }
  inputs_.Reserve(device, host_.size());
  if (!device.usable()) return false;
  std::memcpy(host_.data(), rows_.data(), row_bytes);
  if (!words_.empty()) {
    std::memcpy(host_.data() + row_bytes, words_.data(), words_.size() * sizeof(uint32_t));
  }
  device.Note(cudaMemcpyAsync(inputs_.data(), host_.data(), bytes, cudaMemcpyHostToDevice,
                              device.stream()));
  return true;
}

ChoiceStage RowChooser::Stage(Device& device, float* logits) {
  const size_t n = rows_.size();
  uint32_t longest = 0;
  for (const ChoiceRow& row : rows_) longest = std::max(longest, row.places);
  const unsigned chunks = (longest + kChoiceChunk - 1) / kChoiceChunk;
  tops_.Reserve(device, n * chunks);
  sums_.Reserve(device, n * chunks);
  bins_.Reserve(device, n * kBins);
  counts_.Reserve(device, n * 2);
  front_.Reserve(device, n * kMostFront);
  tokens_.Reserve(device, n);
  const auto* rows = reinterpret_cast<const ChoiceRow*>(inputs_.data());
  return {rows,           reinterpret_cast<const unsigned*>(rows + n),
          logits,         vocab_,
          chunks,         tops_.data(),
          sums_.data(),   bins_.data(),
          counts_.data(), front_.data(),
          tokens_.data()};
}

void RowChooser::Run(Device& device, float* logits, std::span<TokenId> chosen) {
  std::ranges::fill(chosen, -1);
  if (rows_.empty() || !Send(device)) return device.Wait();
  const ChoiceStage stage = Stage(device, logits);
  const auto n = static_cast<unsigned>(rows_.size());
  const dim3 by_chunk(stage.chunks, n);
  const auto launch = [&](auto kernel, dim3 grid) {
    Launch(device, kernel, grid, dim3(kChoiceThreads), stage);
  };
  const bool draws = std::ranges::any_of(rows_, [](const ChoiceRow& row) { return !row.greedy; });
  const bool orders = std::ranges::any_of(rows_, [](const ChoiceRow& row) { return row.ordered; });
  launch(&PrepareChoices, dim3(n));
  launch(&FindTops, by_chunk);
  if (draws) launch(&WeighChunks, by_chunk);
  if (orders) launch(&GatherFront, by_chunk);
  launch(&DrawTokens, dim3(n));
  if (device.usable()) {
    device.Note(cudaMemcpyAsync(host_tokens_.data(), tokens_.data(), n * sizeof(int),
                                cudaMemcpyDeviceToHost, device.stream()));
  }
  device.Wait();
  if (!device.usable()) return;
  for (size_t i = 0; i < n; ++i) chosen[rows_[i].head] = host_tokens_.data()[i];
}

}  // namespace hearth::model::cuda
