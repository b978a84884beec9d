// ConfigSet: the few configs that a text stands in at once, without memory of its own up to four.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace hearth::grammar {

using NodeIndex = uint32_t;
using FrameIndex = uint32_t;
inline constexpr NodeIndex kNoNode = UINT32_MAX;
inline constexpr FrameIndex kBottomFrame = 0;

struct Config {
  NodeIndex node = kNoNode;
  FrameIndex parent = kBottomFrame;
  uint64_t state = 0;
  uint64_t extra = 0;
};

class ConfigSet {
 public:
  ConfigSet() = default;
  explicit ConfigSet(const Config& config) { push_back(config); }
  ConfigSet(const Config* first, const Config* last) { Assign(first, last); }
  ConfigSet(const ConfigSet& other) { Assign(other.begin(), other.end()); }
  ConfigSet& operator=(const ConfigSet& other) {
    if (this != &other) Assign(other.begin(), other.end());
    return *this;
  }

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  void clear() { size_ = 0; }
  const Config* begin() const { return data(); }
  const Config* end() const { return data() + size_; }
  const Config& operator[](size_t i) const { return data()[i]; }
  void swap(ConfigSet& other) {
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
    few_.swap(other.few_);
    more_.swap(other.more_);
  }
  void push_back(const Config& config) {
    if (size_ == capacity_) Grow(size_ + 1);
    data()[size_++] = config;
  }

 private:
  static constexpr size_t kInline = 4;

  Config* data() { return more_ != nullptr ? more_.get() : few_.data(); }
  const Config* data() const { return more_ != nullptr ? more_.get() : few_.data(); }
  void Assign(const Config* first, const Config* last) {
    const auto count = static_cast<size_t>(last - first);
    size_ = 0;
    if (count > capacity_) Grow(count);
    std::copy(first, last, data());
    size_ = count;
  }
  void Grow(size_t needed) {
    const size_t capacity = std::max(needed, capacity_ * 2);
    auto more = std::make_unique<Config[]>(capacity);
    std::copy(begin(), end(), more.get());
    more_ = std::move(more);
    capacity_ = capacity;
  }

  size_t size_ = 0;
  size_t capacity_ = kInline;
  std::array<Config, kInline> few_;
  std::unique_ptr<Config[]> more_;
};

}  // namespace hearth::grammar
