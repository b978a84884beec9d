// room: mcp
// CheckJson refuses no text that the library's parser takes, and the walkers of checked text stay
// inside it; what ToJson reads survives being written and read again.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "mcp/jsonrpc/json_text.h"
#include "mcp/jsonrpc/message.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hearth::mcp;
  const std::string text(reinterpret_cast<const char*>(data), size);
  (void)ReadMessage(text);
  const bool taken = CheckJson(text).ok();
  // What both refuse or take is the same, but for a byte-order mark, lone surrogates, numbers
  // beyond a double and our bound on the depth.
  // The library takes a zero byte for the end.
  const bool zero = text.find('\0') != std::string::npos;
  const bool bom = text.compare(0, 3, "\xEF\xBB\xBF") == 0;
  if (!taken && !bom && !zero && size <= kMaxJsonDepth && hearth::Json::accept(text)) std::abort();
  if (!taken) return 0;
  const auto json = ToJson(text);
  if (!json.ok()) return 0;
  const std::string written = WriteJson(*json);
  if (written.find('\n') != std::string::npos) std::abort();
  if (!CheckJson(written).ok()) std::abort();
  const auto again = ToJson(written);
  if (!again.ok() || *again != *json) std::abort();
  if (!hearth::Json::accept(written)) std::abort();
  return 0;
}
