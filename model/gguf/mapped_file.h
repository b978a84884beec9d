// MappedFile: a regular file mapped read-only. Move-only; the mapping ends with the object.
//
// The bytes are as alive as the file: whoever truncates it while it is mapped raises SIGBUS in its
// readers, which is why backends copy what they need and drop the file.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "runtime/base/core/result.h"

namespace hearth::model {

class MappedFile {
 public:
  static Result<MappedFile> Open(const std::string& path);
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  explicit MappedFile(std::span<const std::byte> bytes) : bytes_(bytes) {}
  std::span<const std::byte> bytes_;
};

}  // namespace hearth::model
