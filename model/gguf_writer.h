// GgufWriter: writes a GGUF file (version 3): metadata in the order of the calls, then tensors.
//
// Tensor data streams: declare every tensor, then hand over the bytes of each, in the order of
// declaration and in as many pieces as is handy; nothing is held in memory. The first failure
// sticks and is what WriteData and Finish return. A file is complete once Finish has returned well;
// until then it lies under PATH.part. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/gguf.h"
#include "model/tensor_type.h"
#include "runtime/base/core/result.h"

namespace hearth::model {

class GgufWriter {
 public:
  // `alignment` is a power of two, at least 8.
  static Result<std::unique_ptr<GgufWriter>> Create(const std::string& path,
                                                    uint32_t alignment = 32);
  GgufWriter(const GgufWriter&) = delete;
  GgufWriter& operator=(const GgufWriter&) = delete;
  // Removes PATH.part where Finish was not reached.
  ~GgufWriter();

  // Metadata. A key may be added once; general.alignment is written by the writer itself. Integers
  // are stored in the width that the call names, because readers elsewhere insist on it.
  void AddUint32(std::string_view key, uint32_t value);
  void AddUint64(std::string_view key, uint64_t value);
  void AddInt32(std::string_view key, int32_t value);
  void AddFloat32(std::string_view key, float value);
  void AddBool(std::string_view key, bool value);
  void AddString(std::string_view key, std::string_view value);
  void AddStrings(std::string_view key, std::span<const std::string> values);
  void AddInt32s(std::string_view key, std::span<const int32_t> values);
  void AddFloat32s(std::string_view key, std::span<const float> values);
  // Type and value as GgufFile::RawValue gives them; general.alignment is left out.
  void AddRaw(std::string_view key, std::span<const std::byte> type_and_value);
  // A value as it was read. Widths are those that GgufFile widened to: uint64, int64, float64.
  void AddValue(std::string_view key, const GgufValue& value);

  // `shape` has the fastest dimension first, one to four of them.
  void AddTensor(std::string_view name, TensorType type, std::span<const uint64_t> shape);
  // The next bytes of tensor data; the first call ends metadata and declarations.
  Status WriteData(std::span<const std::byte> data);
  // Ends the file. All declared data must have been written.
  Status Finish();

 private:
  struct Tensor {
    std::string name;
    TensorType type;
    std::vector<uint64_t> shape;
    uint64_t bytes;
  };
  struct Closer {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };

  GgufWriter() = default;
  void BeginPair(std::string_view key, uint32_t type);
  void Fail(Error error);
  void Write(const void* data, size_t bytes);
  void Pad();
  void WriteHead();

  std::string path_;
  std::unique_ptr<std::FILE, Closer> file_;  // null once finished
  Status status_;
  uint32_t alignment_ = 0;
  std::set<std::string, std::less<>> keys_;
  std::string metadata_;  // the encoded pairs
  std::set<std::string, std::less<>> names_;
  std::vector<Tensor> tensors_;
  bool head_written_ = false;
  uint64_t written_ = 0;      // bytes of the file
  size_t tensor_ = 0;         // whose data comes next
  uint64_t tensor_done_ = 0;  // bytes of it that are written
};

}  // namespace hearth::model
