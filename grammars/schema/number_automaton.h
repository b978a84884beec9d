// The byte automaton of the JSON numbers in a range, exact to the last digit of the bounds.
#pragma once

#include <cstdint>
#include <optional>

#include "grammars/matcher/program.h"
#include "grammars/schema/decimal.h"
#include "runtime/base/core/result.h"

namespace hearth::grammar {

struct NumberRange {
  std::optional<Decimal> low, high;
  bool low_open = false, high_open = false;  // the bound itself is out
  bool integer = false;
  bool fraction = false;  // numbers that are no integers
  bool plain = false;     // integers as digits alone: no 1.0, no 1e3
  // Whole multiples of step / 10^scale; step 0: any.
  uint64_t step = 0;
  uint32_t scale = 0;

  bool unbounded() const { return !low && !high && step == 0; }
};

// Exponents: any where neither bound nor step limits the value (a positive one for integers); else
// only zero, since 1.5e1 would have to be weighed digit by digit. An empty range gives a ByteDfa
// without states. Error: too many states.
Result<ByteDfa> BuildNumberAutomaton(const NumberRange& range);

}  // namespace hearth::grammar
