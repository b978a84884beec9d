// StepInputs: what the host tells the device for a pass, sent by one copy.
//
// Where each part lies follows from the numbers of tokens and heads (block ids come last), so
// passes with the same numbers find their inputs at the same addresses.
//
// Not thread-safe. The device outlives it and has been waited for before the next Send.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "model/backend/backend.h"
#include "model/backend/cuda/attention.cuh"
#include "model/backend/cuda/device_array.h"
#include "model/backend/cuda/pinned_array.h"
#include "model/backend/rope.h"

namespace hearth::model::cuda {

class StepInputs {
 public:
  explicit StepInputs(const ModelConfig& config) : config_(config), angles_(config.ropes.size()) {
    for (const RopeConfig& rope : config_.ropes) frequencies_.emplace_back(rope);
  }

  // Where the host has no memory for it, or the device none, the device is told.
  void Send(Device& device, const BatchView& batch) {
    Lay(batch);
    // With room for contexts that grow, so that graphs outlive many of their steps.
    if (bytes_ > host_.size() && !host_.TryReserve(2 * bytes_ + kSpareBytes)) {
      return device.NoteShortage(2 * bytes_ + kSpareBytes);
    }
    memory_.Reserve(device, host_.size());
    if (!device.usable()) return;
    Fill(batch);
    device.Note(cudaMemcpyAsync(memory_.data(), host_.data(), bytes_, cudaMemcpyHostToDevice,
                                device.stream()));
  }

  const int* tokens() const { return On<int>(tokens_); }
  const int* heads() const { return On<int>(heads_); }
  const float* query_scales() const { return On<float>(query_scales_); }  // [tokens]
  TokenPlaces places() const { return {On<int>(positions_), On<int>(tables_), On<int>(blocks_)}; }
  RopeTable rope(uint32_t index) const {
    return {On<float>(angles_[index].cosines), On<float>(angles_[index].sines),
            static_cast<unsigned>(frequencies_[index].pairs()),
            config_.ropes[index].pairs == RopePairs::kHalves};
  }

 private:
  struct Angles {
    size_t cosines = 0, sines = 0;  // [tokens][pairs]
    // Of the positions that came so far: [positions][2][pairs]. The device waits for the inputs,
    // and a sine in double precision takes longer than copying it.
    std::vector<float> known;
    std::vector<bool> is_known;
  };

  template <typename T>
  const T* On(size_t offset) const {
    return reinterpret_cast<const T*>(memory_.data() + offset);
  }
  template <typename T>
  T* Here(size_t offset) const {
    return reinterpret_cast<T*>(host_.data() + offset);
  }

  static constexpr size_t kSpareBytes = 64 << 10;

  // Offsets in bytes.
  void Lay(const BatchView& batch) {
    constexpr size_t kAlign = 256;
    const size_t n = batch.tokens.size();
    bytes_ = 0;
    const auto take = [&](size_t count) {  // of numbers of four bytes
      const size_t at = bytes_;
      bytes_ = (bytes_ + count * 4 + kAlign - 1) / kAlign * kAlign;
      return at;
    };
    tokens_ = take(n);
    positions_ = take(n);
    tables_ = take(n);
    query_scales_ = take(n);
    heads_ = take(batch.heads.size());
    for (size_t r = 0; r < angles_.size(); ++r) {
      angles_[r].cosines = take(n * frequencies_[r].pairs());
      angles_[r].sines = take(n * frequencies_[r].pairs());
    }
    size_t blocks = 0;
    for (const BatchSequence& sequence : batch.sequences) blocks += sequence.blocks.size();
    blocks_ = take(blocks);
  }

  void Fill(const BatchView& batch) {
    std::ranges::copy(batch.tokens, Here<int>(tokens_));
    std::ranges::copy(batch.heads, Here<int>(heads_));
    int* block = Here<int>(blocks_);
    for (const BatchSequence& sequence : batch.sequences) {
      for (uint32_t i = 0; i < sequence.count; ++i) {
        const size_t t = sequence.first + i;
        const uint32_t position = sequence.start + i;
        Here<int>(positions_)[t] = static_cast<int>(position);
        Here<int>(tables_)[t] = static_cast<int>(block - Here<int>(blocks_));
        Here<float>(query_scales_)[t] = config_.query_scale(position);
        for (size_t r = 0; r < angles_.size(); ++r) FillAngles(r, t, position);
      }
      block = std::ranges::copy(sequence.blocks, block).out;
    }
  }
  void FillAngles(size_t rope, size_t token, uint32_t position) {
    const RopeFrequencies& frequencies = frequencies_[rope];
    const size_t pairs = frequencies.pairs();
    Angles& angles = angles_[rope];
    if (position >= angles.is_known.size()) {
      const size_t positions = std::max<size_t>(position + 1, 2 * angles.is_known.size());
      angles.is_known.resize(positions);
      angles.known.resize(positions * 2 * pairs);
    }
    float* const known = angles.known.data() + position * 2 * pairs;
    if (!angles.is_known[position]) {
      for (size_t i = 0; i < pairs; ++i) {
        known[i] = static_cast<float>(frequencies.cosine(i, position));
        known[pairs + i] = static_cast<float>(frequencies.sine(i, position));
      }
      angles.is_known[position] = true;
    }
    std::copy_n(known, pairs, Here<float>(angles.cosines) + token * pairs);
    std::copy_n(known + pairs, pairs, Here<float>(angles.sines) + token * pairs);
  }

  const ModelConfig& config_;
  std::vector<RopeFrequencies> frequencies_;
  size_t tokens_ = 0, positions_ = 0, tables_ = 0, query_scales_ = 0, heads_ = 0, blocks_ = 0;
  std::vector<Angles> angles_;
  size_t bytes_ = 0;
  PinnedArray<uint8_t> host_;
  DeviceArray<uint8_t> memory_;
};

}  // namespace hearth::model::cuda
