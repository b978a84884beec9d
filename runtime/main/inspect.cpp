#include "runtime/main/inspect.h"

#include <iostream>

namespace hearth::main {

Inspector JsonInspector(std::function<Result<Json>(const Json& request)> answer) {
  return [answer = std::move(answer)](const std::string& line) {
    const auto reply = [&]() -> Result<Json> {
      HEARTH_TRY(const Json request, ParseJson(line));
      if (!request.is_object()) {
        return MakeError(ErrorCode::kInvalidArgument, "expected a JSON object on each line");
      }
      return answer(request);
    }();
    return DumpJson(reply.ok() ? *reply : Json{{"error", reply.error().message}});
  };
}

void ServeLines(const Inspector& inspector) {
  std::string line;
  while (std::getline(std::cin, line)) {
    std::cout << inspector(line) << std::endl;  // flushed: the other side waits for the line
  }
}

}  // namespace hearth::main
