// GgufFile: a model file in the GGUF format (version 2 and 3), read through mmap.
//
// Everything in the file is hostile: Open checks every count, length, offset, size, alignment and
// type before use, and a malformed file gives an Error that names the field and its byte offset.
// After Open succeeds, every TensorInfo lies inside the mapping and nothing needs checking again.
// Specification: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
//
// Thread-safety: const after Open. Cost of Open: one pass over the metadata, tensor data is not
// touched.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "model/tensor_type.h"
#include "runtime/base/core/result.h"

namespace hearth::model {

struct GgufArray;
// One metadata value. Integers keep their sign but are widened to 64 bits; strings are bytes as
// stored.
using GgufValue = std::variant<uint64_t, int64_t, double, bool, std::string, GgufArray>;
// Arrays are homogeneous and are held by kind, so that a vocabulary costs no variant per element.
struct GgufArray {
  std::variant<std::vector<uint64_t>, std::vector<int64_t>, std::vector<double>, std::vector<bool>,
               std::vector<std::string>, std::vector<GgufArray>>
      items;
  size_t size() const;
};

struct TensorInfo {
  std::string name;
  TensorType type = TensorType::kF32;
  uint32_t n_dims = 0;
  // Elements per dimension, the fastest first (GGUF's order): a weight of `rows` outputs and `cols`
  // inputs has shape {cols, rows, 1, 1}.
  std::array<uint64_t, 4> shape = {1, 1, 1, 1};
  std::span<const std::byte> data;  // inside the mapping of its file

  uint64_t cols() const { return shape[0]; }
  uint64_t rows() const { return shape[1] * shape[2] * shape[3]; }
  uint64_t elements() const { return cols() * rows(); }
};

class GgufFile {
 public:
  // Opens PATH. Where PATH is the first of a split model (…-00001-of-0000N.gguf) the others are
  // opened too and their tensors join; any other shard is refused with the name of the first.
  static Result<std::shared_ptr<const GgufFile>> Open(const std::string& path);
  // The same over bytes in memory (tests and fuzzers), which must outlive the file and begin at a
  // multiple of 8.
  static Result<std::shared_ptr<const GgufFile>> Parse(std::span<const std::byte> bytes,
                                                       std::string name);
  virtual ~GgufFile() = default;

  const std::string& path() const { return path_; }
  uint64_t file_bytes() const { return file_bytes_; }
  uint32_t version() const { return version_; }
  const std::map<std::string, GgufValue, std::less<>>& metadata() const { return metadata_; }
  const std::vector<TensorInfo>& tensors() const { return tensors_; }

  const TensorInfo* FindTensor(std::string_view name) const;
  const GgufValue* Find(std::string_view key) const;
  // Typed look-ups: nullopt / null where the key is absent or holds another type. Integers convert
  // where the value fits.
  std::optional<uint64_t> GetUint(std::string_view key) const;
  std::optional<double> GetFloat(std::string_view key) const;
  std::optional<bool> GetBool(std::string_view key) const;
  // Type and value of a key as they lie in the file (integers in their width); empty where absent.
  std::span<const std::byte> RawValue(std::string_view key) const;
  const std::string* GetString(std::string_view key) const;
  const std::vector<std::string>* GetStrings(std::string_view key) const;
  std::optional<std::vector<int64_t>> GetInts(std::string_view key) const;
  std::optional<std::vector<double>> GetFloats(std::string_view key) const;

 protected:
  GgufFile() = default;
  std::string path_;
  uint64_t file_bytes_ = 0;
  uint32_t version_ = 0;
  std::map<std::string, GgufValue, std::less<>> metadata_;
  std::map<std::string, std::span<const std::byte>, std::less<>> raw_;
  std::vector<TensorInfo> tensors_;
  std::map<std::string, size_t, std::less<>> tensor_index_;
};

}  // namespace hearth::model
