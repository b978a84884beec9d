#include "runtime/main/inspect.h"

#include <iostream>

namespace hearth::main {

void ServeLines(const Inspector& inspector) {
  std::string line;
  while (std::getline(std::cin, line)) {
    const auto reply = [&]() -> Result<Json> {
      HEARTH_TRY(const Json request, ParseJson(line));
      if (!request.is_object()) {
        return MakeError(ErrorCode::kInvalidArgument, "expected a JSON object on each line");
      }
      return inspector(request);
    }();
    std::cout << DumpJson(reply.ok() ? *reply : Json{{"error", reply.error().message}})
              << std::endl;  // flushed: the other side waits for the line
  }
}

}  // namespace hearth::main
