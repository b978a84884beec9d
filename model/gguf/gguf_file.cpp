#include <limits>
#include <utility>

#include "model/gguf.h"
#include "model/gguf/mapped_file.h"
#include "model/gguf/shard.h"
#include "model/gguf/split_name.h"

namespace hearth::model {
namespace {

// What a split model's part says of itself.
struct SplitPlace {
  uint64_t number = 0;  // from 0
  uint64_t count = 1;
};

class LoadedGguf : public GgufFile {
 public:
  LoadedGguf(std::string path, Shard first) {
    path_ = std::move(path);
    version_ = first.version;
    metadata_ = std::move(first.metadata);
    raw_ = std::move(first.raw);
  }

  SplitPlace Place() const {
    return {GetUint("split.no").value_or(0), GetUint("split.count").value_or(1)};
  }

  // Takes over the tensors of a shard that was parsed from `bytes`.
  Status Add(std::vector<TensorInfo> tensors, size_t bytes, const std::string& shard_path) {
    for (TensorInfo& tensor : tensors) {
      if (!tensor_index_.emplace(tensor.name, tensors_.size()).second) {
        return MakeError(ErrorCode::kInvalidArgument, shard_path, ": tensor '", tensor.name,
                         "' is also in an earlier part of the model");
      }
      tensors_.push_back(std::move(tensor));
    }
    file_bytes_ += bytes;
    return {};
  }

  void Keep(MappedFile mapping) { mappings_.push_back(std::move(mapping)); }

 private:
  std::vector<MappedFile> mappings_;
};

Error NotFirst(const std::string& path, const SplitPlace& place) {
  const auto name = ParseSplitName(path);
  return MakeError(ErrorCode::kInvalidArgument, path, ": is part ", place.number + 1, " of ",
                   place.count, " of a split model; open the first part",
                   name ? Concat(", ", SplitPath(name->prefix, 1, place.count)) : std::string());
}

Status AddPart(LoadedGguf& model, const std::string& path, const SplitPlace& expected) {
  HEARTH_TRY(MappedFile mapping, MappedFile::Open(path));
  HEARTH_TRY(Shard shard, ParseShard(mapping.bytes(), path));
  std::vector<TensorInfo> tensors = std::move(shard.tensors);
  const SplitPlace place = LoadedGguf(path, std::move(shard)).Place();
  if (place.number != expected.number || place.count != expected.count) {
    return MakeError(ErrorCode::kInvalidArgument, path, ": split.no and split.count say part ",
                     place.number + 1, " of ", place.count, ", its name and the first part say ",
                     expected.number + 1, " of ", expected.count);
  }
  HEARTH_CHECK_OK(model.Add(std::move(tensors), mapping.bytes().size(), path));
  model.Keep(std::move(mapping));
  return {};
}

Status AddOtherParts(LoadedGguf& model, const std::string& path, uint64_t count) {
  const auto name = ParseSplitName(path);
  if (!name || name->number != 1 || name->count != count) {
    return MakeError(ErrorCode::kInvalidArgument, path, ": is the first of ", count,
                     " parts, so its name must end with ", SplitPath("", 1, count));
  }
  for (uint64_t number = 1; number < count; ++number) {
    HEARTH_CHECK_OK(AddPart(model, SplitPath(name->prefix, number + 1, count), {number, count}));
  }
  const auto total = model.GetUint("split.tensors.count");
  if (total && *total != model.tensors().size()) {
    return MakeError(ErrorCode::kInvalidArgument, path, ": split.tensors.count is ", *total,
                     ", but the parts hold ", model.tensors().size(), " tensors");
  }
  return {};
}

template <typename T>
const T* GetAs(const GgufValue* value) {
  return value == nullptr ? nullptr : std::get_if<T>(value);
}

template <typename To, typename From>
std::vector<To> ConvertAll(const std::vector<From>& from) {
  return std::vector<To>(from.begin(), from.end());
}

}  // namespace

size_t GgufArray::size() const {
  return std::visit([](const auto& list) { return list.size(); }, items);
}

Result<std::shared_ptr<const GgufFile>> GgufFile::Open(const std::string& path) {
  HEARTH_TRY(MappedFile mapping, MappedFile::Open(path));
  HEARTH_TRY(Shard shard, ParseShard(mapping.bytes(), path));
  std::vector<TensorInfo> tensors = std::move(shard.tensors);
  auto model = std::make_shared<LoadedGguf>(path, std::move(shard));
  const SplitPlace place = model->Place();
  if (place.number != 0) return NotFirst(path, place);
  HEARTH_CHECK_OK(model->Add(std::move(tensors), mapping.bytes().size(), path));
  model->Keep(std::move(mapping));
  if (place.count > 1) HEARTH_CHECK_OK(AddOtherParts(*model, path, place.count));
  return std::shared_ptr<const GgufFile>(std::move(model));
}

Result<std::shared_ptr<const GgufFile>> GgufFile::Parse(std::span<const std::byte> bytes,
                                                        std::string name) {
  HEARTH_TRY(Shard shard, ParseShard(bytes, name));
  std::vector<TensorInfo> tensors = std::move(shard.tensors);
  auto model = std::make_shared<LoadedGguf>(name, std::move(shard));
  if (model->Place().count > 1) {
    return MakeError(ErrorCode::kInvalidArgument, name,
                     ": is one part of a split model, which is opened by its path");
  }
  HEARTH_CHECK_OK(model->Add(std::move(tensors), bytes.size(), name));
  return std::shared_ptr<const GgufFile>(std::move(model));
}

std::span<const std::byte> GgufFile::RawValue(std::string_view key) const {
  const auto found = raw_.find(key);
  return found == raw_.end() ? std::span<const std::byte>() : found->second;
}

const TensorInfo* GgufFile::FindTensor(std::string_view name) const {
  const auto found = tensor_index_.find(name);
  return found == tensor_index_.end() ? nullptr : &tensors_[found->second];
}

const GgufValue* GgufFile::Find(std::string_view key) const {
  const auto found = metadata_.find(key);
  return found == metadata_.end() ? nullptr : &found->second;
}

std::optional<uint64_t> GgufFile::GetUint(std::string_view key) const {
  const GgufValue* const value = Find(key);
  if (const auto* number = GetAs<uint64_t>(value)) return *number;
  if (const auto* number = GetAs<int64_t>(value); number != nullptr && *number >= 0) {
    return static_cast<uint64_t>(*number);
  }
  return std::nullopt;
}

std::optional<double> GgufFile::GetFloat(std::string_view key) const {
  const GgufValue* const value = Find(key);
  if (const auto* number = GetAs<double>(value)) return *number;
  if (const auto* number = GetAs<uint64_t>(value)) return static_cast<double>(*number);
  if (const auto* number = GetAs<int64_t>(value)) return static_cast<double>(*number);
  return std::nullopt;
}

std::optional<bool> GgufFile::GetBool(std::string_view key) const {
  const bool* const value = GetAs<bool>(Find(key));
  return value == nullptr ? std::nullopt : std::optional<bool>(*value);
}

const std::string* GgufFile::GetString(std::string_view key) const {
  return GetAs<std::string>(Find(key));
}

const std::vector<std::string>* GgufFile::GetStrings(std::string_view key) const {
  const GgufArray* const array = GetAs<GgufArray>(Find(key));
  return array == nullptr ? nullptr : std::get_if<std::vector<std::string>>(&array->items);
}

std::optional<std::vector<int64_t>> GgufFile::GetInts(std::string_view key) const {
  const GgufArray* const array = GetAs<GgufArray>(Find(key));
  if (array == nullptr) return std::nullopt;
  if (const auto* list = std::get_if<std::vector<int64_t>>(&array->items)) return *list;
  const auto* list = std::get_if<std::vector<uint64_t>>(&array->items);
  if (list == nullptr) return std::nullopt;
  for (const uint64_t number : *list) {
    if (number > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) return std::nullopt;
  }
  return ConvertAll<int64_t>(*list);
}

std::optional<std::vector<double>> GgufFile::GetFloats(std::string_view key) const {
  const GgufArray* const array = GetAs<GgufArray>(Find(key));
  if (array == nullptr) return std::nullopt;
  if (const auto* list = std::get_if<std::vector<double>>(&array->items)) return *list;
  if (const auto* list = std::get_if<std::vector<int64_t>>(&array->items))
    return ConvertAll<double>(*list);
  if (const auto* list = std::get_if<std::vector<uint64_t>>(&array->items))
    return ConvertAll<double>(*list);
  return std::nullopt;
}

}  // namespace hearth::model
