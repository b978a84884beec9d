// room: base
// ParseJson either refuses the bytes or gives a value that survives being written and read again.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "runtime/base/json.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const hearth::JsonLimits limits{.max_bytes = 1 << 16, .max_depth = 16, .max_values = 2000};
  const auto json = hearth::ParseJson(text, limits);
  if (!json.ok()) {
    if (json.error().message.empty()) std::abort();
    return 0;
  }
  hearth::JsonLimits wider = limits;
  wider.max_bytes *= 8;
  const auto again = hearth::ParseJson(hearth::DumpJson(*json), wider);
  if (!again.ok() || *again != *json) std::abort();
  return 0;
}
