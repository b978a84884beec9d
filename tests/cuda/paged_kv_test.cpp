// Floats of 8 bits: the host's stand-in beside the table of the specification, and what is stored.
#include "model/backend/cuda/paged_kv.cuh"

#include <catch2/catch.hpp>
#include <cmath>

namespace hearth::model::cuda {
namespace {

uint8_t ToByte(float x) { return __nv_cvt_float_to_fp8(x, __NV_SATFINITE, __NV_E4M3); }
float FromByte(uint8_t byte) { return HalfOf(__nv_cvt_fp8_to_halfraw(byte, __NV_E4M3).x); }

TEST_CASE("e4m3 as in the specification") {
  CHECK(FromByte(0x00) == 0.0f);
  CHECK(FromByte(0x01) == 0.001953125f);  // 2^-9, the least
  CHECK(FromByte(0x07) == 0.875f * 0.015625f);
  CHECK(FromByte(0x08) == 0.015625f);  // 2^-6, the least normal
  CHECK(FromByte(0x38) == 1.0f);
  CHECK(FromByte(0xb8) == -1.0f);
  CHECK(FromByte(0x7e) == 448.0f);
  CHECK(std::isnan(FromByte(0x7f)));
}

TEST_CASE("rounding to e4m3 is to the nearest, to even between two, and to the largest beyond") {
  CHECK(ToByte(1.0f) == 0x38);
  CHECK(ToByte(1.0625f) == 0x38);  // between 1 and 1.125
  CHECK(ToByte(1.1875f) == 0x3a);  // between 1.125 and 1.25
  CHECK(ToByte(-1.13f) == 0xb9);
  CHECK(ToByte(0.0009765625f) == 0x00);  // between 0 and the least
  CHECK(ToByte(0.001f) == 0x01);
  CHECK(ToByte(460.0f) == 0x7e);
  CHECK(ToByte(1e30f) == 0x7e);
  CHECK(ToByte(-INFINITY) == 0xfe);
  CHECK(ToByte(NAN) == 0x7f);
  for (int bits = 0; bits < 0x7f; ++bits) {
    CHECK(ToByte(FromByte(static_cast<uint8_t>(bits))) == bits);
  }
}

TEST_CASE("what is too large for a half is the largest half where tensor cores read it") {
  alignas(16) float slot[8] = {1e30f, -1e30f, 70000.0f, 1.0f, 0, 0, 0, 65504.0f};
  KvEight<KvType::kF32> eight;
  eight.Fetch(reinterpret_cast<const uint8_t*>(slot), 8, 0, 0);
  const uint4 halves = eight.Halves();
  CHECK(halves.x == (0x7bffu | 0xfbffu << 16));
  CHECK(halves.y == (0x7bffu | 0x3c00u << 16));
  CHECK(halves.w == 0x7bffu << 16);
}

}  // namespace
}  // namespace hearth::model::cuda
