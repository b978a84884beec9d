#include "model/gguf/shard.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <set>

#include "model/gguf/byte_cursor.h"
#include "model/gguf/value_reader.h"

namespace hearth::model {
namespace {

constexpr uint32_t kDefaultAlignment = 32;
constexpr uint32_t kLeastAlignment = 8;
constexpr size_t kMaxNameBytes = 65535;
// The least that an entry can take in the file: a one-byte name, and no dimension.
constexpr size_t kLeastPairBytes = 8 + 1 + 4 + 1;
constexpr size_t kLeastTensorBytes = 8 + 1 + 4 + 4 + 8;

// What a tensor's head says; its place in the file is known once all heads are read.
struct TensorHead {
  TensorInfo info;
  size_t at = 0;  // of the head, for error messages
  uint64_t offset = 0;
  uint64_t bytes = 0;
};

Result<uint64_t> Multiply(uint64_t a, uint64_t b, const ByteCursor& cursor, size_t at,
                          std::string_view field) {
  uint64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product) ||
      product > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
    return cursor.Fail(at, field, ": the product of the dimensions overflows");
  }
  return product;
}

Result<std::string> ReadName(ByteCursor& cursor, std::string_view field) {
  const size_t at = cursor.position();
  HEARTH_TRY(const std::string_view name, cursor.ReadString(field));
  if (name.empty()) return cursor.Fail(at, field, ": is empty");
  if (name.size() > kMaxNameBytes) {
    return cursor.Fail(at, field, ": ", name.size(), " bytes are more than ", kMaxNameBytes);
  }
  return std::string(name);
}

Result<uint32_t> ReadMagicAndVersion(ByteCursor& cursor) {
  HEARTH_TRY(const uint32_t magic, cursor.Read<uint32_t>("magic"));
  if (std::memcmp(&magic, "GGUF", 4) != 0) {
    return cursor.Fail(0, "magic: the file does not begin with 'GGUF', so it is not a GGUF model");
  }
  HEARTH_TRY(const uint32_t version, cursor.Read<uint32_t>("version"));
  if (version == 2 || version == 3) return version;
  if (version != 0 && __builtin_bswap32(version) <= 3) {
    return MakeError(
        ErrorCode::kUnsupported,
        cursor.Fail(4, "version: the file is big-endian; convert it to little-endian").message);
  }
  return MakeError(ErrorCode::kUnsupported,
                   cursor.Fail(4, "version: ", version, " is not supported, 2 and 3 are").message);
}

Result<uint64_t> ReadCount(ByteCursor& cursor, std::string_view field, size_t least_bytes) {
  const size_t at = cursor.position();
  HEARTH_TRY(const uint64_t count, cursor.Read<uint64_t>(field));
  if (count > cursor.remaining() / least_bytes) {
    return cursor.Fail(at, field, ": ", count, " entries do not fit in the ", cursor.remaining(),
                       " bytes left in the file");
  }
  return count;
}

Status ReadMetadata(ByteCursor& cursor, uint64_t count, Shard& shard) {
  for (uint64_t i = 0; i < count; ++i) {
    const size_t at = cursor.position();
    HEARTH_TRY(std::string key, ReadName(cursor, Concat("metadata key ", i)));
    if (shard.metadata.contains(key)) {
      return cursor.Fail(at, "metadata key '", key, "' appears twice");
    }
    const size_t value_at = cursor.position();
    HEARTH_TRY(GgufValue value, ReadValue(cursor, key));
    shard.raw.emplace(key, cursor.Since(value_at));
    shard.metadata.emplace(std::move(key), std::move(value));
  }
  return {};
}

Result<uint64_t> Alignment(const ByteCursor& cursor, const Shard& shard) {
  const auto found = shard.metadata.find("general.alignment");
  if (found == shard.metadata.end()) return uint64_t{kDefaultAlignment};
  const uint64_t* const value = std::get_if<uint64_t>(&found->second);
  if (value == nullptr || !std::has_single_bit(*value) || *value < kLeastAlignment ||
      *value > std::numeric_limits<uint32_t>::max()) {
    return cursor.Fail(cursor.position(),
                       "general.alignment: must be an unsigned power of two of at least ",
                       kLeastAlignment, value == nullptr ? "" : Concat(", is ", *value));
  }
  return *value;
}

Result<TensorHead> ReadTensorHead(ByteCursor& cursor, uint64_t index) {
  TensorHead head;
  head.at = cursor.position();
  HEARTH_TRY(head.info.name, ReadName(cursor, Concat("name of tensor ", index)));
  const std::string field = Concat("tensor '", head.info.name, "'");
  HEARTH_TRY(head.info.n_dims, cursor.Read<uint32_t>(field));
  if (head.info.n_dims > head.info.shape.size()) {
    return cursor.Fail(cursor.position() - sizeof(uint32_t), field, ": ", head.info.n_dims,
                       " dimensions, at most 4 are possible");
  }
  uint64_t elements = 1;
  for (uint32_t i = 0; i < head.info.n_dims; ++i) {
    const size_t at = cursor.position();
    HEARTH_TRY(head.info.shape[i], cursor.Read<uint64_t>(field));
    if (head.info.shape[i] == 0) return cursor.Fail(at, field, ": dimension ", i, " is zero");
    HEARTH_TRY(elements, Multiply(elements, head.info.shape[i], cursor, at, field));
  }
  const size_t type_at = cursor.position();
  HEARTH_TRY(const uint32_t type_value, cursor.Read<uint32_t>(field));
  const TensorTypeInfo* const type = FindTensorType(type_value);
  if (type == nullptr) {
    return MakeError(
        ErrorCode::kUnsupported,
        cursor.Fail(type_at, field, ": tensor type ", type_value, " is not supported").message);
  }
  head.info.type = type->type;
  if (head.info.cols() % type->block_elements != 0) {
    return cursor.Fail(type_at, field, ": rows of ", head.info.cols(), " elements cannot be ",
                       type->name, ", whose blocks hold ", type->block_elements);
  }
  HEARTH_TRY(head.bytes,
             Multiply(elements / type->block_elements, type->block_bytes, cursor, type_at, field));
  HEARTH_TRY(head.offset, cursor.Read<uint64_t>(field));
  return head;
}

Status PlaceTensors(const ByteCursor& cursor, std::span<const std::byte> bytes, uint64_t alignment,
                    std::vector<TensorHead>& heads) {
  const uint64_t data_start = (cursor.position() + alignment - 1) & ~(alignment - 1);
  const uint64_t data_bytes = data_start <= bytes.size() ? bytes.size() - data_start : 0;
  for (TensorHead& head : heads) {
    if (head.offset % alignment != 0) {
      return cursor.Fail(head.at, "tensor '", head.info.name, "': offset ", head.offset,
                         " is not a multiple of the alignment ", alignment);
    }
    if (head.offset > data_bytes || head.bytes > data_bytes - head.offset) {
      return cursor.Fail(head.at, "tensor '", head.info.name, "': ", head.bytes,
                         " bytes at offset ", head.offset, " lie beyond the ", data_bytes,
                         " bytes of tensor data (is the file cut short?)");
    }
    head.info.data = bytes.subspan(static_cast<size_t>(data_start + head.offset),
                                   static_cast<size_t>(head.bytes));
  }
  std::vector<const TensorHead*> order;
  order.reserve(heads.size());
  for (const TensorHead& head : heads) order.push_back(&head);
  std::sort(order.begin(), order.end(),
            [](const TensorHead* a, const TensorHead* b) { return a->offset < b->offset; });
  for (size_t i = 1; i < order.size(); ++i) {
    if (order[i - 1]->offset + order[i - 1]->bytes > order[i]->offset) {
      return cursor.Fail(order[i]->at, "tensor '", order[i]->info.name, "' overlaps tensor '",
                         order[i - 1]->info.name, "'");
    }
  }
  return {};
}

}  // namespace

Result<Shard> ParseShard(std::span<const std::byte> bytes, std::string_view name) {
  ByteCursor cursor(bytes, name);
  Shard shard;
  HEARTH_TRY(shard.version, ReadMagicAndVersion(cursor));
  HEARTH_TRY(const uint64_t tensor_count, ReadCount(cursor, "tensor count", kLeastTensorBytes));
  HEARTH_TRY(const uint64_t pair_count, ReadCount(cursor, "metadata count", kLeastPairBytes));
  HEARTH_CHECK_OK(ReadMetadata(cursor, pair_count, shard));
  HEARTH_TRY(const uint64_t alignment, Alignment(cursor, shard));

  std::vector<TensorHead> heads;
  std::set<std::string_view> names;
  if (tensor_count > cursor.remaining() / kLeastTensorBytes) {
    return cursor.Fail(cursor.position(), "tensor count: ", tensor_count,
                       " entries do not fit in the ", cursor.remaining(),
                       " bytes left in the file");
  }
  heads.reserve(static_cast<size_t>(tensor_count));
  for (uint64_t i = 0; i < tensor_count; ++i) {
    HEARTH_TRY(TensorHead head, ReadTensorHead(cursor, i));
    heads.push_back(std::move(head));
    if (!names.insert(heads.back().info.name).second) {
      return cursor.Fail(heads.back().at, "tensor '", heads.back().info.name, "' appears twice");
    }
  }
  HEARTH_CHECK_OK(PlaceTensors(cursor, bytes, alignment, heads));
  shard.tensors.reserve(heads.size());
  for (TensorHead& head : heads) shard.tensors.push_back(std::move(head.info));
  return shard;
}

}  // namespace hearth::model
