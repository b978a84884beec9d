#include <bit>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "model/quant.h"

namespace hearth::model {
namespace {

TEST_CASE("every half survives the way to float and back") {
  for (uint32_t half = 0; half < 0x10000; ++half) {
    const float value = HalfToFloat(static_cast<uint16_t>(half));
    if (FloatToHalf(value) != half) {
      CAPTURE(half, value);
      CHECK(FloatToHalf(value) == half);
    }
  }
}

TEST_CASE("halves have the values of IEEE 754 binary16") {
  CHECK(HalfToFloat(0x3c00) == 1.0f);
  CHECK(HalfToFloat(0xc000) == -2.0f);
  CHECK(HalfToFloat(0x7bff) == 65504.0f);
  CHECK(HalfToFloat(0x0001) == 0x1p-24f);
  CHECK(HalfToFloat(0x0400) == 0x1p-14f);
  CHECK(HalfToFloat(0x7c00) == std::numeric_limits<float>::infinity());
  CHECK(std::isnan(HalfToFloat(0x7e01)));
  CHECK(std::signbit(HalfToFloat(0x8000)));
}

TEST_CASE("floats round to the nearest half, ties to even") {
  // Midway between each half and the next, and the floats beside the middle.
  for (uint32_t half = 0; half < 0x7bff; ++half) {
    const float low = HalfToFloat(static_cast<uint16_t>(half));
    const float middle = (low + HalfToFloat(static_cast<uint16_t>(half + 1))) / 2;
    const uint32_t even = half % 2 == 0 ? half : half + 1;
    const bool right = FloatToHalf(middle) == even &&
                       FloatToHalf(std::nextafter(middle, 0.0f)) == half &&
                       FloatToHalf(std::nextafter(middle, 1e9f)) == half + 1;
    if (!right) {
      CAPTURE(half);
      CHECK(right);
    }
  }
  CHECK(FloatToHalf(65519.996f) == 0x7bff);
  CHECK(FloatToHalf(65520.0f) == 0x7c00);
  CHECK(FloatToHalf(-1e30f) == 0xfc00);
  CHECK(FloatToHalf(0x1p-26f) == 0);
}

TEST_CASE("bfloat16 rounds to the nearest, ties to even, and keeps NaN") {
  CHECK(FloatToBf16(1.0f) == 0x3f80);
  CHECK(FloatToBf16(std::bit_cast<float>(0x3f808000u)) == 0x3f80);
  CHECK(FloatToBf16(std::bit_cast<float>(0x3f818000u)) == 0x3f82);
  CHECK(FloatToBf16(std::bit_cast<float>(0x3f808001u)) == 0x3f81);
  CHECK(std::isnan(Bf16ToFloat(FloatToBf16(std::bit_cast<float>(0x7f800001u)))));
  CHECK(Bf16ToFloat(0xc040) == -3.0f);
}

}  // namespace
}  // namespace hearth::model
