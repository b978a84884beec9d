// The filters by what they work on; each group is one file.
#pragma once

#include <span>
#include <string_view>
#include <utility>

#include "runtime/serving/template/filters.h"

namespace hearth::serving {

using NamedFilter = std::pair<std::string_view, FilterFunction>;

std::span<const NamedFilter> TextFilters();
std::span<const NamedFilter> ListFilters();
std::span<const NamedFilter> ValueFilters();

}  // namespace hearth::serving
