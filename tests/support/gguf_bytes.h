// GgufBytes: GGUF files put together byte by byte, right or wrong.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::test {

class GgufBytes {
 public:
  template <typename T>
  GgufBytes& Put(T value) {
    char raw[sizeof(T)];
    std::memcpy(raw, &value, sizeof(T));
    text_.append(raw, sizeof(T));
    return *this;
  }
  GgufBytes& Raw(std::string_view bytes) {
    text_ += bytes;
    return *this;
  }
  GgufBytes& String(std::string_view text) { return Put(uint64_t{text.size()}).Raw(text); }
  GgufBytes& Head(uint64_t tensors, uint64_t pairs, uint32_t version = 3) {
    return Raw("GGUF").Put(version).Put(tensors).Put(pairs);
  }
  GgufBytes& Key(std::string_view key, uint32_t type) { return String(key).Put(type); }
  GgufBytes& Array(std::string_view key, uint32_t element, uint64_t count) {
    return Key(key, 9).Put(element).Put(count);
  }
  GgufBytes& Tensor(std::string_view name, std::vector<uint64_t> shape, uint32_t type,
                    uint64_t offset) {
    String(name).Put(static_cast<uint32_t>(shape.size()));
    for (const uint64_t size : shape) Put(size);
    return Put(type).Put(offset);
  }
  // Pads to the alignment, then `bytes` of tensor data.
  GgufBytes& Data(size_t bytes, size_t alignment = 32) {
    text_.resize((text_.size() + alignment - 1) / alignment * alignment);
    text_.append(bytes, '\x3c');
    return *this;
  }

  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace hearth::test
