// ResultWriter: writes the answer to a request, member by member, straight into its text.
#pragma once

#include <string>
#include <string_view>

#include "mcp/protocol.h"
#include "runtime/base/json.h"

namespace hearth::mcp {

class ResultWriter {
 public:
  // `server` is the JSON text of our Implementation, which modern results carry; `meta` is an
  // object with further metadata, or null.
  ResultWriter(std::string_view id, Era era, std::string_view server, const Json& meta = nullptr,
               std::string_view type = "complete");

  // Begins a member; its value's JSON is appended to what this returns.
  std::string& Member(std::string_view name);
  // How long a modern client may keep the result.
  void Cache(Era era, int ttl_ms);
  // Members that are JSON text already.
  void Written(std::string_view members);
  // The members of an object.
  void Members(const Json& object);
  std::string Take() &&;

 private:
  std::string text_;
  bool first_ = true;
};

}  // namespace hearth::mcp
