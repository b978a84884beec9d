#include "runtime/main/read_file.h"

#include <fstream>

namespace hearth::main {

Result<std::string> ReadFile(const std::string& path, size_t most) {
  std::ifstream file(path, std::ios::binary);
  std::string text;
  char chunk[1 << 16];
  while (file.read(chunk, sizeof(chunk)) || file.gcount() > 0) {
    text.append(chunk, static_cast<size_t>(file.gcount()));
    if (text.size() > most) {
      return MakeError(ErrorCode::kInvalidArgument, path, ": is larger than ", most, " bytes");
    }
  }
  if (!file.is_open() || file.bad()) {
    return MakeError(ErrorCode::kNotFound, path, ": there is no such file, or it cannot be read");
  }
  return text;
}

}  // namespace hearth::main
