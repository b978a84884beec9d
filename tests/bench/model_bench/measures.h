// Measures: how fast a model runs, each number beside what the device would allow.
//
// The limit of decoding is memory: the bytes of weights, keys and values that a token reads, at the
// device's copy rate. The limit of reading a prompt is arithmetic: the operations of its products
// and of its attention, at the rate of the matrix units. Where a rate is unknown there is no limit.
#pragma once

#include <cstdint>

#include "model/device_speed.h"
#include "model/kv_type.h"
#include "model/model.h"
#include "tests/bench/model_bench/report.h"

namespace hearth::bench {

struct Work {
  model::KvType kv_type = model::KvType::kF16;
  uint32_t prompt = 512;    // tokens read at once
  uint32_t tokens = 64;     // decoded
  uint32_t sequences = 8;   // decoded together
  uint32_t context = 2048;  // of the long session
  int rounds = 3;           // the best one counts
};

// Adds rows: decode, and the same with drawn and with constrained tokens (held against it),
// prefill, decode of all sequences together likewise, attention alone at the long context
// (decoding, reading), and the time to the first token of 32 more on the long session beside a step
// of decoding there. Fails as an engine does.
Status Measure(model::Model& model, const model::DeviceSpeed& speed, const Work& work,
               Report& report);

}  // namespace hearth::bench
