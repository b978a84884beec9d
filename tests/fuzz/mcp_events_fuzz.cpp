// room: mcp
// Server-sent events from bytes, whole and in pieces: the same events, none over the limit.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "mcp/client/event_reader.h"

namespace {

constexpr size_t kMost = 1000;

struct Outcome {
  bool ok = true;
  std::string text;
};

Outcome Read(std::string_view bytes, size_t piece) {
  hearth::mcp::EventReader reader(kMost);
  Outcome outcome;
  for (size_t at = 0; at < bytes.size() && outcome.ok; at += piece) {
    outcome.ok = reader
                     .Take(bytes.substr(at, piece),
                           [&](const hearth::mcp::ServerEvent& event) {
                             if (event.data.size() > kMost || event.data.empty()) std::abort();
                             outcome.text += event.name + '\0' + event.data + '\0';
                           })
                     .ok();
  }
  outcome.text += reader.last_id();
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Outcome whole = Read(bytes, bytes.size() + 1);
  const Outcome parts = Read(bytes, data[0] % 16 + 1);
  if (whole.ok && parts.ok && whole.text != parts.text) std::abort();
  return 0;
}
