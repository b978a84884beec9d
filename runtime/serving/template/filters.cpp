#include "runtime/serving/template/filters.h"

#include <utility>

#include "runtime/serving/template/filter_groups.h"

namespace hearth::serving {

FilterFunction FindFilter(std::string_view name) {
  for (const auto group : {TextFilters(), ListFilters(), ValueFilters()}) {
    for (const auto& [candidate, filter] : group) {
      if (candidate == name) return filter;
    }
  }
  return nullptr;
}

}  // namespace hearth::serving
