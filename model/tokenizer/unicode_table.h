// The table behind CategoryOf: runs of code points of one general category, ascending.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace hearth::model {

// A cell is (first code point of the run) << 5 | category.
extern const std::span<const uint32_t> kCategoryRuns;

}  // namespace hearth::model
