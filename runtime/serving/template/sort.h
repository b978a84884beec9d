// Sorting values: stable, by keys that may turn out to have no order.
#pragma once

#include <vector>

#include "runtime/base/core/result.h"
#include "runtime/serving/template/value.h"

namespace hearth::serving {

// The order of `keys` as indices. An Error where two keys cannot be compared. The standard's sorts
// ask for an order that hostile values need not have (NaN, unlike types).
Result<std::vector<size_t>> SortedOrder(const std::vector<Value>& keys, bool reverse,
                                        Budget& budget);
// What sorts without regard to case: a lower-case copy of a string, other values as they are.
Result<Value> CaselessKey(const Value& value, Budget& budget);

}  // namespace hearth::serving
