// LogitChange: what bars, bias, penalties and DRY do to one logit before a token is drawn, so that
// whoever draws (the host, a device) does the same in the same floats.
#pragma once

#include <limits>

#include "runtime/base/core/token_set.h"

namespace hearth::model {

struct LogitChange {
  // In the order in which they are applied.
  enum class Round : uint32_t {
    kBar,         // the logit becomes -infinity; no value
    kBias,        // the value is added
    kRepetition,  // the value divides a positive logit and multiplies another
    kPresence,    // the value is added
    kDry,         // likewise
  };
  static constexpr uint32_t kRounds = 5;

  TokenId id = 0;
  Round round = Round::kBar;
  float value = 0;

  float Of(float logit) const {
    switch (round) {
      case Round::kBar:
        return -std::numeric_limits<float>::infinity();
      case Round::kRepetition:
        return logit > 0 ? logit / value : logit * value;
      default:
        return logit + value;
    }
  }
};

}  // namespace hearth::model
