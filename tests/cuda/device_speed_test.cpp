// The rates of a device: on the host, where the loops of matrix instructions have no code.
#include "model/device_speed.h"

#include <catch2/catch.hpp>

#include "tests/cuda/on_device.h"

namespace hearth::model {
namespace {

TEST_CASE("the rates of the device are measured, and an unknown one is zero") {
  const auto speed = MeasureCudaSpeed(size_t{1} << 22);
  REQUIRE(speed.ok());
  CHECK(speed->copy_rate > 1e6);
  CHECK(speed->upload_rate > 1e6);
  CHECK((speed->matrix_rate > 0) == test::kOnDevice);
}

TEST_CASE("without memory for the copies the numbers are said") {
  const auto refused = MeasureCudaSpeed(size_t{1} << 42);
  REQUIRE_FALSE(refused.ok());
  CHECK_THAT(refused.error().message, Catch::Contains("8388608 MiB of device memory"));
}

}  // namespace
}  // namespace hearth::model
