// room: net
// An HTTP response from bytes, whole and in pieces: the same either way, and never over its limits.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "runtime/net/wire/response_reader.h"

namespace {

using hearth::net::HttpHead;
using hearth::net::ResponseReader;

struct Outcome {
  bool ok = false;
  bool done = false;
  std::string body;
};

Outcome Read(std::string_view bytes, size_t piece) {
  ResponseReader reader({.max_head = 4096, .max_body = 1000});
  Outcome outcome;
  for (size_t at = 0; at < bytes.size(); at += piece) {
    const auto state =
        reader.Take(bytes.substr(at, piece), [&](const HttpHead&, std::string_view part) {
          outcome.body += part;
          return true;
        });
    if (!state.ok()) return outcome;
    outcome.done = *state == ResponseReader::State::kDone;
    if (outcome.done) break;
  }
  outcome.ok = outcome.done || reader.TakeEnd().ok();
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Outcome whole = Read(bytes, bytes.size() + 1);
  const Outcome parts = Read(bytes, data[0] % 16 + 1);
  if (whole.body.size() > 1000 || parts.body.size() > 1000) std::abort();
  if (whole.ok && parts.ok && whole.body != parts.body) std::abort();
  return 0;
}
