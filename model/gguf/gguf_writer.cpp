#include "model/gguf_writer.h"

#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <type_traits>
#include <utility>
#include <variant>

#include "model/gguf/value_type.h"

namespace hearth::model {
namespace {

constexpr uint32_t kVersion = 3;
constexpr std::string_view kAlignmentKey = "general.alignment";

template <typename T>
void Put(std::string& out, T value) {
  char bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof(T));
  out.append(bytes, sizeof(T));
}

void PutString(std::string& out, std::string_view text) {
  Put(out, static_cast<uint64_t>(text.size()));
  out += text;
}

template <typename T>
constexpr ValueType kTypeOf = std::is_same_v<T, uint32_t>    ? ValueType::kUint32
                              : std::is_same_v<T, uint64_t>  ? ValueType::kUint64
                              : std::is_same_v<T, int32_t>   ? ValueType::kInt32
                              : std::is_same_v<T, int64_t>   ? ValueType::kInt64
                              : std::is_same_v<T, float>     ? ValueType::kFloat32
                              : std::is_same_v<T, double>    ? ValueType::kFloat64
                              : std::is_same_v<T, bool>      ? ValueType::kBool
                              : std::is_same_v<T, GgufArray> ? ValueType::kArray
                                                             : ValueType::kString;

void PutArray(std::string& out, const GgufArray& array);

template <typename T>
void PutElement(std::string& out, const T& value) {
  if constexpr (std::is_same_v<T, GgufArray>) {
    PutArray(out, value);
  } else if constexpr (std::is_same_v<T, std::string>) {
    PutString(out, value);
  } else if constexpr (std::is_same_v<T, bool>) {
    Put(out, static_cast<uint8_t>(value));
  } else {
    Put(out, value);
  }
}

template <typename T, typename List>
void PutElements(std::string& out, const List& list) {
  Put(out, static_cast<uint32_t>(kTypeOf<T>));
  Put(out, static_cast<uint64_t>(list.size()));
  for (const T& item : list) PutElement<T>(out, item);
}

void PutArray(std::string& out, const GgufArray& array) {
  std::visit(
      [&](const auto& list) {
        PutElements<typename std::remove_cvref_t<decltype(list)>::value_type>(out, list);
      },
      array.items);
}

}  // namespace

Result<std::unique_ptr<GgufWriter>> GgufWriter::Create(const std::string& path,
                                                       uint32_t alignment) {
  if (!std::has_single_bit(alignment) || alignment < 8) {
    return MakeError(ErrorCode::kInvalidArgument, path, ": alignment ", alignment,
                     " is not a power of two of at least 8");
  }
  std::unique_ptr<GgufWriter> writer(new GgufWriter());
  writer->path_ = path;
  writer->alignment_ = alignment;
  writer->file_.reset(std::fopen((path + ".part").c_str(), "wbe"));
  if (writer->file_ == nullptr) {
    return MakeError(ErrorCode::kIo, path, ".part: cannot be written: ", std::strerror(errno));
  }
  writer->AddUint32(kAlignmentKey, alignment);
  return writer;
}

GgufWriter::~GgufWriter() {
  if (file_ == nullptr) return;
  file_.reset();
  std::remove((path_ + ".part").c_str());
}

void GgufWriter::Fail(Error error) {
  if (status_.ok()) status_ = Error{error.code, Concat(path_, ": ", error.message)};
}

void GgufWriter::BeginPair(std::string_view key, uint32_t type) {
  if (head_written_) {
    Fail({ErrorCode::kInternal, Concat("key '", key, "' was added after tensor data")});
  } else if (key.empty() || !keys_.emplace(key).second) {
    Fail({ErrorCode::kInternal, Concat("key '", key, "' is empty or was added twice")});
  }
  PutString(metadata_, key);
  Put(metadata_, type);
}

void GgufWriter::AddUint32(std::string_view key, uint32_t value) {
  BeginPair(key, static_cast<uint32_t>(ValueType::kUint32));
  Put(metadata_, value);
}

void GgufWriter::AddUint64(std::string_view key, uint64_t value) {
  BeginPair(key, static_cast<uint32_t>(ValueType::kUint64));
  Put(metadata_, value);
}

void GgufWriter::AddInt32(std::string_view key, int32_t value) {
  BeginPair(key, static_cast<uint32_t>(ValueType::kInt32));
  Put(metadata_, value);
}

void GgufWriter::AddFloat32(std::string_view key, float value) {
  BeginPair(key, static_cast<uint32_t>(ValueType::kFloat32));
  Put(metadata_, value);
}

void GgufWriter::AddBool(std::string_view key, bool value) {
  BeginPair(key, static_cast<uint32_t>(ValueType::kBool));
  PutElement(metadata_, value);
}

void GgufWriter::AddString(std::string_view key, std::string_view value) {
  BeginPair(key, static_cast<uint32_t>(ValueType::kString));
  PutString(metadata_, value);
}

void GgufWriter::AddStrings(std::string_view key, std::span<const std::string> values) {
  BeginPair(key, static_cast<uint32_t>(ValueType::kArray));
  PutElements<std::string>(metadata_, values);
}

void GgufWriter::AddInt32s(std::string_view key, std::span<const int32_t> values) {
  BeginPair(key, static_cast<uint32_t>(ValueType::kArray));
  PutElements<int32_t>(metadata_, values);
}

void GgufWriter::AddFloat32s(std::string_view key, std::span<const float> values) {
  BeginPair(key, static_cast<uint32_t>(ValueType::kArray));
  PutElements<float>(metadata_, values);
}

void GgufWriter::AddValue(std::string_view key, const GgufValue& value) {
  if (key == kAlignmentKey) return;
  std::visit(
      [&](const auto& held) {
        using Held = std::remove_cvref_t<decltype(held)>;
        BeginPair(key, static_cast<uint32_t>(kTypeOf<Held>));
        PutElement<Held>(metadata_, held);
      },
      value);
}

void GgufWriter::AddRaw(std::string_view key, std::span<const std::byte> type_and_value) {
  if (key == kAlignmentKey) return;
  if (type_and_value.size() < sizeof(uint32_t)) {
    Fail({ErrorCode::kInternal, Concat("key '", key, "' has no value")});
    return;
  }
  uint32_t type = 0;
  std::memcpy(&type, type_and_value.data(), sizeof(type));
  BeginPair(key, type);
  const auto value = type_and_value.subspan(sizeof(type));
  metadata_.append(reinterpret_cast<const char*>(value.data()), value.size());
}

void GgufWriter::AddTensor(std::string_view name, TensorType type,
                           std::span<const uint64_t> shape) {
  const TensorTypeInfo& info = GetTensorType(type);
  if (head_written_ || name.empty() || !names_.emplace(name).second) {
    Fail({ErrorCode::kInternal,
          Concat("tensor '", name, "' has no name, was declared twice, or after tensor data")});
    return;
  }
  if (shape.empty() || shape.size() > 4 || shape[0] % info.block_elements != 0) {
    Fail({ErrorCode::kInvalidArgument,
          Concat("tensor '", name, "' cannot be ", info.name, " in blocks of ", info.block_elements,
                 " along its first dimension")});
    return;
  }
  uint64_t bytes = shape[0] / info.block_elements * info.block_bytes;
  for (const uint64_t size : shape.subspan(1)) bytes *= size;
  tensors_.push_back({std::string(name), type, {shape.begin(), shape.end()}, bytes});
}

void GgufWriter::Write(const void* data, size_t bytes) {
  if (bytes != 0 && std::fwrite(data, 1, bytes, file_.get()) != bytes) {
    Fail({ErrorCode::kIo, Concat("cannot be written: ", std::strerror(errno))});
  }
  written_ += bytes;
}

void GgufWriter::Pad() {
  const std::string zeros(static_cast<size_t>((alignment_ - written_ % alignment_) % alignment_),
                          '\0');
  Write(zeros.data(), zeros.size());
}

void GgufWriter::WriteHead() {
  head_written_ = true;
  std::string head = "GGUF";
  Put(head, kVersion);
  Put(head, static_cast<uint64_t>(tensors_.size()));
  Put(head, static_cast<uint64_t>(keys_.size()));
  head += metadata_;
  uint64_t offset = 0;
  for (const Tensor& tensor : tensors_) {
    PutString(head, tensor.name);
    Put(head, static_cast<uint32_t>(tensor.shape.size()));
    for (const uint64_t size : tensor.shape) Put(head, size);
    Put(head, static_cast<uint32_t>(tensor.type));
    Put(head, offset);
    offset += (tensor.bytes + alignment_ - 1) / alignment_ * alignment_;
  }
  Write(head.data(), head.size());
  Pad();
}

Status GgufWriter::WriteData(std::span<const std::byte> data) {
  if (!head_written_) WriteHead();
  while (!data.empty() && status_.ok()) {
    if (tensor_ == tensors_.size()) {
      Fail({ErrorCode::kInternal, "more tensor data was written than was declared"});
      break;
    }
    const uint64_t wanted = tensors_[tensor_].bytes - tensor_done_;
    const auto now = static_cast<size_t>(std::min<uint64_t>(wanted, data.size()));
    Write(data.data(), now);
    data = data.subspan(now);
    tensor_done_ += now;
    if (now != wanted) continue;
    Pad();
    ++tensor_;
    tensor_done_ = 0;
  }
  return status_;
}

Status GgufWriter::Finish() {
  if (!head_written_) WriteHead();
  if (tensor_ != tensors_.size()) {
    Fail({ErrorCode::kInternal,
          Concat("the data of tensor '", tensors_[tensor_].name, "' is incomplete")});
  }
  const std::string part = path_ + ".part";
  const auto check = [&](int failed, std::string_view what) {
    if (status_.ok() && failed != 0) {
      Fail({ErrorCode::kIo, Concat(what, " failed: ", std::strerror(errno))});
    }
  };
  check(std::fflush(file_.get()), "writing");
  check(::fsync(::fileno(file_.get())), "syncing");
  if (!status_.ok()) return status_;
  check(std::fclose(file_.release()), "closing");
  if (status_.ok()) check(std::rename(part.c_str(), path_.c_str()), "renaming");
  if (!status_.ok()) std::remove(part.c_str());
  return status_;
}

}  // namespace hearth::model
