#include "model/backend/cuda/flash_attention.h"
#include "model/backend/cuda/visit_types.h"

namespace hearth::model::cuda {

void LaunchFlash(Device& device, KvType type, const float* queries, FlashTokens tokens,
                 unsigned n_heads, const TokenPlaces& places, const PagedKv& kv, unsigned layer,
                 const FlashMasks& masks, const Partials& partials, float* out) {
  const dim3 grid((tokens.count + kFlashQueries - 1) / kFlashQueries, n_heads, partials.chunks);
  const auto launch = [&](auto kernel) {
    Launch(device, kernel, grid, dim3(kFlashWarps * kLanes), queries, tokens.first, tokens.count,
           n_heads, places, kv, layer, masks, partials, out);
  };
  VisitKv(type, [&]<KvType kType>() {
    if (kv.head_dim <= 64) return launch(&AttendTiles<kType, 64>);
    if (kv.head_dim <= 128) return launch(&AttendTiles<kType, 128>);
    launch(&AttendTiles<kType, kMostHeadDim>);
  });
}

}  // namespace hearth::model::cuda
