#include "model/backend/cuda/packed_matrix.h"

#include <cstring>

#include "model/quant.h"

namespace hearth::model::cuda {

namespace {

constexpr size_t kAlign = 256;
size_t Aligned(size_t bytes) { return (bytes + kAlign - 1) / kAlign * kAlign; }

struct Offsets {
  size_t high, scales, super, end;
};
Offsets OffsetsOf(TensorType held, size_t rows, size_t cols) {
  const PlaneBytes planes = PlanesOf(held);
  const size_t units = rows * (cols / kUnit);
  Offsets at{};
  at.high = Aligned(units * planes.quants);
  at.scales = at.high + Aligned(units * planes.high);
  at.super = at.scales + Aligned(units * planes.scales);
  at.end = at.super + Aligned(units / kSuperUnits * planes.super);
  return at;
}

// Where the parts of one unit go.
struct Unit {
  uint8_t* quants;
  uint8_t* high;
  uint8_t* scales;
};

void PutNibble(uint8_t* quants, size_t column, unsigned value) {
  uint8_t& byte = quants[column % 16];
  byte = static_cast<uint8_t>(column < 16 ? (byte & 0xf0u) | value : (byte & 0x0fu) | value << 4);
}

// Q4_0 to Q8_0: a block of the file is a unit.
void PackSmall(TensorType type, const uint8_t* block, const Unit& unit) {
  const PlaneBytes planes = PlanesOf(type);
  std::memcpy(unit.scales, block, planes.scales);
  if (planes.high != 0) std::memcpy(unit.high, block + planes.scales, planes.high);
  std::memcpy(unit.quants, block + planes.scales + planes.high, planes.quants);
}

// Q4_K and Q5_K, unit b of a block of 256. In the file: two F16, 12 bytes of scales and minima of 6
// bits, with Q5_K 32 bytes of fifth bits (bit b of byte j: column j of unit b), then nibbles, two
// units sharing 32 bytes.
void PackWithMins(TensorType type, const uint8_t* block, size_t b, const Unit& unit) {
  const uint8_t* packed = block + 4;
  unit.scales[0] = static_cast<uint8_t>(b < 4 ? packed[b] & 63
                                              : (packed[b + 4] & 15) | (packed[b - 4] >> 6) << 4);
  unit.scales[1] =
      static_cast<uint8_t>(b < 4 ? packed[b + 4] & 63 : packed[b + 4] >> 4 | (packed[b] >> 6) << 4);
  const bool five = type == TensorType::kQ5_K;
  const uint8_t* nibbles = block + 16 + (five ? 32 : 0) + b / 2 * 32;
  uint32_t high = 0;
  for (size_t j = 0; j < kUnit; ++j) {
    PutNibble(unit.quants, j, nibbles[j] >> (b % 2 * 4) & 15u);
    if (five) high |= (block[16 + j] >> b & 1u) << j;
  }
  if (five) std::memcpy(unit.high, &high, 4);
}

// Q6_K, unit b of a block of 256. In the file: each 128 columns are four runs of 32, whose low bits
// share 64 bytes and whose high ones 32; then 16 signed scales and an F16.
void PackSix(const uint8_t* block, size_t b, const Unit& unit) {
  const size_t half = b / 4;
  const size_t run = b % 4;
  std::memset(unit.high, 0, 8);
  for (size_t j = 0; j < kUnit; ++j) {
    const uint8_t low = block[64 * half + 32 * (run % 2) + j];
    PutNibble(unit.quants, j, run < 2 ? low & 15u : low >> 4);
    const unsigned pair = block[128 + 32 * half + j] >> (2 * run) & 3u;
    uint8_t& byte = unit.high[j / 16 * 4 + j % 4];
    byte = static_cast<uint8_t>(byte | pair << (2 * (j % 16 / 4)));
  }
  std::memcpy(unit.scales, block + 192 + 2 * b, 2);
}

void PackQuantized(TensorType type, size_t units, const uint8_t* file, const PackedRows& out) {
  const PlaneBytes planes = PlanesOf(type);
  const TensorTypeInfo& info = GetTensorType(type);
  const size_t per_block = info.block_elements / kUnit;
  for (size_t n = 0; n < units; ++n) {
    const uint8_t* block = file + n / per_block * info.block_bytes;
    const Unit unit = {out.quants + n * planes.quants, out.high + n * planes.high,
                       out.scales + n * planes.scales};
    if (per_block == 1) {
      PackSmall(type, block, unit);
      continue;
    }
    if (type == TensorType::kQ6_K)
      PackSix(block, n % per_block, unit);
    else
      PackWithMins(type, block, n % per_block, unit);
    if (n % per_block == 0) {
      const size_t multipliers = type == TensorType::kQ6_K ? 208 : 0;
      std::memcpy(out.super + n / per_block * planes.super, block + multipliers, planes.super);
    }
  }
}

}  // namespace

size_t PackedBytes(TensorType held, size_t rows, size_t cols) {
  return OffsetsOf(held, rows, cols).end;
}

PackedMatrix ViewOf(TensorType held, size_t rows, size_t cols, const uint8_t* data) {
  const Offsets at = OffsetsOf(held, rows, cols);
  return {held,
          static_cast<uint32_t>(rows),
          static_cast<uint32_t>(cols),
          data,
          data + at.high,
          data + at.scales,
          data + at.super};
}

PlaneSizes PlaneSizesOf(TensorType held, size_t rows, size_t cols) {
  const PlaneBytes planes = PlanesOf(held);
  const size_t units = rows * (cols / kUnit);
  return {units * planes.quants, units * planes.high, units * planes.scales,
          units / kSuperUnits * planes.super};
}

void PackRows(TensorType type, size_t rows, size_t cols, std::span<const std::byte> file,
              const PackedRows& out) {
  const TensorType held = HeldAs(type);
  if (PlanesOf(held).scales != 0) {
    return PackQuantized(type, rows * (cols / kUnit), reinterpret_cast<const uint8_t*>(file.data()),
                         out);
  }
  if (held == type) {
    std::memcpy(out.quants, file.data(), file.size());
    return;
  }
  std::vector<float> values(cols);
  const size_t row_bytes = file.size() / rows;
  for (size_t r = 0; r < rows; ++r) {
    Dequantize(type, file.subspan(r * row_bytes, row_bytes), values);
    for (size_t c = 0; c < cols; ++c) {
      const uint16_t half = FloatToHalf(values[c]);
      std::memcpy(out.quants + (r * cols + c) * 2, &half, 2);
    }
  }
}

void Pack(TensorType type, size_t rows, size_t cols, std::span<const std::byte> file,
          uint8_t* out) {
  const Offsets at = OffsetsOf(HeldAs(type), rows, cols);
  PackRows(type, rows, cols, file, {out, out + at.high, out + at.scales, out + at.super});
}

}  // namespace hearth::model::cuda
