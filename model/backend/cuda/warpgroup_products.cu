#include <cmath>
#include <vector>

#include "model/backend/cuda/tile_products.h"
#include "model/backend/cuda/visit_types.h"
#include "model/backend/cuda/warpgroup_products.cuh"
#include "model/backend/cuda/warpgroup_products.h"

namespace hearth::model::cuda {

void LaunchGroups(Device& device, Tile tile, const MatrixParts& parts, const ActivationRows& x,
                  size_t n, float* out, size_t stride, bool add) {
  const TileSize size = SizeOf(tile);
  const dim3 grid(static_cast<unsigned>((n + size.tokens - 1) / size.tokens),
                  static_cast<unsigned>(BlocksOf(parts, size.rows)));
  VisitHeld(parts.part[0].type, [&]<TensorType kType>() {
    if constexpr (kType != TensorType::kF32) {
      const auto launch = [&]<Tile kTile>() {
        using Shape = GroupShape<kTile>;
        LaunchShared(device, &MultiplyGroups<kType, kTile>, grid, dim3(Shape::kThreads),
                     Shape::kSharedBytes, parts, x, static_cast<unsigned>(n), out, stride, add);
      };
      tile == Tile::kGroupsWide ? launch.template operator()<Tile::kGroupsWide>()
                                : launch.template operator()<Tile::kGroups>();
    }
  });
}

namespace {

// A product whose result is known: numbers from 1 to 2 of either sign, in matrices that end inside
// a tile, a step and a unit of two, and have more steps than there are stages.
class Trial {
 public:
  explicit Trial(Device& device) : device_(device) {
    auto numbers = [seed = 1u](size_t count) mutable {
      std::vector<uint16_t> halves(count);
      for (uint16_t& half : halves) {
        seed = seed * 1664525u + 1013904223u;
        half = static_cast<uint16_t>(0x3c00u | (seed >> 16 & 0x83ffu));
      }
      return halves;
    };
    const std::vector<uint16_t> weights = numbers(size_t{kRows} * kCols);
    const std::vector<uint16_t> tokens = numbers(size_t{kTokens} * kCols);
    const std::vector<float> scales(kTokens, 1.0f);
    weights_.Upload(device, weights);
    tokens_.Upload(device, tokens);
    scales_.Upload(device, scales);
    device.Wait();  // the vectors go
  }

  std::vector<float> Multiply(Tile tile) {
    std::vector<float> result(size_t{kTokens} * kRows);
    const std::vector<float> nothing(result.size());
    out_.Upload(device_, nothing);
    const PackedMatrix matrix =
        ViewOf(TensorType::kF16, kRows, kCols, reinterpret_cast<const uint8_t*>(weights_.data()));
    ActivationRows x;
    x.cols = kCols;
    x.halves = tokens_.data();
    x.row_scales = scales_.data();
    LaunchTilesOf(device_, tile, {}, memory_, {{matrix}, {0}, 1}, x, kTokens, out_.data(), kRows,
                  false);
    if (device_.usable()) {
      device_.Note(cudaMemcpyAsync(result.data(), out_.data(), result.size() * sizeof(float),
                                   cudaMemcpyDeviceToHost, device_.stream()));
    }
    device_.Wait();
    return result;
  }

  // A sum of that many products of up to 4 is off by less than this where floats add them up, in
  // whatever order; a product in a wrong place is seen.
  static bool Alike(float a, float b) {
    return std::fabs(a - b) < 4.0f * kCols * kCols / (1 << 23);
  }

 private:
  static constexpr uint32_t kRows = 136, kCols = 288, kTokens = 140;
  Device& device_;
  DeviceArray<uint16_t> weights_, tokens_;
  DeviceArray<float> scales_, out_;
  SplitMemory memory_;
};

bool Agree(const std::vector<float>& a, const std::vector<float>& b) {
  for (size_t i = 0; i < a.size(); ++i) {
    if (!Trial::Alike(a[i], b[i])) return false;  // or no number
  }
  return true;
}

}  // namespace

void TryWarpgroups(Device& device) {
  const cudaDeviceProp& properties = device.properties();
  if (properties.major != 9 || properties.minor != 0) return;
  Trial trial(device);
  const std::vector<float> expected = trial.Multiply(Tile::kLarge);
  if (!device.usable()) return;
  for (const Tile tile : {Tile::kGroups, Tile::kGroupsWide}) {
    const std::vector<float> result = trial.Multiply(tile);
    if (!device.usable() || !Agree(result, expected)) {
      return device.SetWarpgroups(Device::Warpgroups::kWrong);
    }
  }
  device.SetWarpgroups(Device::Warpgroups::kUsed);
}

}  // namespace hearth::model::cuda
