// The matrix products of a warpgroup that one of its threads has not waited for, for
// cuda_warpgroup.h: the thread's sums, and from which matrices they come. Half of the threads
// compute when they ask, the others as late as they may: what is read too early and what is
// overwritten too early both show. Meanwhile the sums' registers are rubbish, and may not change.
#pragma once

#include <cstdint>
#include <cstring>
#include <deque>
#include <functional>
#include <vector>

namespace cuda_on_host {

struct ProductsInFlight {
  using Work = std::function<void(std::vector<float>& sums)>;

  bool any() const { return !groups.empty() || !open.empty(); }

  // Asks for `work` on the n sums at `registers`.
  void Ask(float* registers, size_t n, bool at_once, Work work) {
    if (!begun) complain("products without a fence before them");
    if (AnyUnfenced()) complain("products of shared memory whose writes are not fenced");
    if (at == nullptr) {
      at = registers;
      sums.assign(registers, registers + n);
      std::fill_n(registers, n, Rubbish());
    } else if (at != registers) {
      complain("products with two sets of sums at once");
    }
    if (at_once) {
      work(sums);
      work = [](std::vector<float>&) {};
    }
    open.push_back(std::move(work));
  }
  void Commit() { groups.push_back(std::exchange(open, {})); }
  void Wait(size_t left) {
    for (; groups.size() > left; groups.pop_front()) {
      for (const Work& work : groups.front()) work(sums);
    }
    begun = false;
    if (any() || at == nullptr) return;
    const float rubbish = Rubbish();
    for (size_t i = 0; i < sums.size(); ++i) {
      if (std::memcmp(at + i, &rubbish, sizeof(float)) != 0) {
        complain("sums that changed while products were under way");
      }
    }
    std::copy(sums.begin(), sums.end(), std::exchange(at, nullptr));
  }

  bool begun = false;  // fenced since the last wait

 private:
  static float Rubbish() { return __uint_as_float(0x7fa5a5a5u); }  // a NaN

  float* at = nullptr;
  std::vector<float> sums;
  std::vector<Work> open;
  std::deque<std::vector<Work>> groups;
};

}  // namespace cuda_on_host
