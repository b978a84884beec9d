#include "model/gguf/value_reader.h"

#include <type_traits>

#include "model/gguf/value_type.h"

namespace hearth::model {
namespace {

// No file in the wild nests arrays; the format allows it.
constexpr int kMaxArrayDepth = 4;

Result<GgufArray> ReadArray(ByteCursor& cursor, std::string_view field, int depth);

Result<bool> ReadBool(ByteCursor& cursor, std::string_view field) {
  const size_t start = cursor.position();
  HEARTH_TRY(const uint8_t value, cursor.Read<uint8_t>(field));
  if (value > 1) return cursor.Fail(start, field, ": bool holds ", int{value}, ", must be 0 or 1");
  return value == 1;
}

template <typename Stored>
using Widened = std::conditional_t<std::is_floating_point_v<Stored>, double,
                                   std::conditional_t<std::is_signed_v<Stored>, int64_t, uint64_t>>;

template <typename Stored>
Result<GgufValue> ReadNumber(ByteCursor& cursor, std::string_view field) {
  HEARTH_TRY(const Stored value, cursor.Read<Stored>(field));
  return GgufValue(static_cast<Widened<Stored>>(value));
}

// Reads `count` elements with `read_one`, after having seen that the file can hold that many.
template <typename Element, typename ReadOne>
Result<GgufArray> ReadElements(ByteCursor& cursor, std::string_view field, uint64_t count,
                               size_t least_bytes, ReadOne read_one) {
  if (count > cursor.remaining() / least_bytes) {
    return cursor.Fail(cursor.position() - sizeof(uint64_t), field, ": array of ", count,
                       " elements does not fit in the ", cursor.remaining(),
                       " bytes left in the file");
  }
  std::vector<Element> items;
  items.reserve(static_cast<size_t>(count));
  for (uint64_t i = 0; i < count; ++i) {
    HEARTH_TRY(auto item, read_one());
    items.push_back(static_cast<Element>(std::move(item)));
  }
  return GgufArray{std::move(items)};
}

template <typename Stored>
Result<GgufArray> ReadNumbers(ByteCursor& cursor, std::string_view field, uint64_t count) {
  return ReadElements<Widened<Stored>>(cursor, field, count, sizeof(Stored),
                                       [&] { return cursor.Read<Stored>(field); });
}

Result<GgufArray> ReadArray(ByteCursor& cursor, std::string_view field, int depth) {
  const size_t start = cursor.position();
  if (depth > kMaxArrayDepth) {
    return cursor.Fail(start, field, ": arrays nest deeper than ", kMaxArrayDepth);
  }
  HEARTH_TRY(const uint32_t type, cursor.Read<uint32_t>(field));
  HEARTH_TRY(const uint64_t count, cursor.Read<uint64_t>(field));
  switch (static_cast<ValueType>(type)) {
    case ValueType::kUint8:
      return ReadNumbers<uint8_t>(cursor, field, count);
    case ValueType::kInt8:
      return ReadNumbers<int8_t>(cursor, field, count);
    case ValueType::kUint16:
      return ReadNumbers<uint16_t>(cursor, field, count);
    case ValueType::kInt16:
      return ReadNumbers<int16_t>(cursor, field, count);
    case ValueType::kUint32:
      return ReadNumbers<uint32_t>(cursor, field, count);
    case ValueType::kInt32:
      return ReadNumbers<int32_t>(cursor, field, count);
    case ValueType::kUint64:
      return ReadNumbers<uint64_t>(cursor, field, count);
    case ValueType::kInt64:
      return ReadNumbers<int64_t>(cursor, field, count);
    case ValueType::kFloat32:
      return ReadNumbers<float>(cursor, field, count);
    case ValueType::kFloat64:
      return ReadNumbers<double>(cursor, field, count);
    case ValueType::kBool:
      return ReadElements<bool>(cursor, field, count, 1, [&] { return ReadBool(cursor, field); });
    case ValueType::kString:
      return ReadElements<std::string>(cursor, field, count, sizeof(uint64_t),
                                       [&] { return cursor.ReadString(field); });
    case ValueType::kArray:
      return ReadElements<GgufArray>(cursor, field, count, sizeof(uint32_t) + sizeof(uint64_t),
                                     [&] { return ReadArray(cursor, field, depth + 1); });
  }
  return cursor.Fail(start, field, ": array element type ", type, " is not a GGUF value type");
}

}  // namespace

Result<GgufValue> ReadValue(ByteCursor& cursor, std::string_view key) {
  const std::string field = Concat("value of key '", key, "'");
  const size_t start = cursor.position();
  HEARTH_TRY(const uint32_t type, cursor.Read<uint32_t>(field));
  switch (static_cast<ValueType>(type)) {
    case ValueType::kUint8:
      return ReadNumber<uint8_t>(cursor, field);
    case ValueType::kInt8:
      return ReadNumber<int8_t>(cursor, field);
    case ValueType::kUint16:
      return ReadNumber<uint16_t>(cursor, field);
    case ValueType::kInt16:
      return ReadNumber<int16_t>(cursor, field);
    case ValueType::kUint32:
      return ReadNumber<uint32_t>(cursor, field);
    case ValueType::kInt32:
      return ReadNumber<int32_t>(cursor, field);
    case ValueType::kUint64:
      return ReadNumber<uint64_t>(cursor, field);
    case ValueType::kInt64:
      return ReadNumber<int64_t>(cursor, field);
    case ValueType::kFloat32:
      return ReadNumber<float>(cursor, field);
    case ValueType::kFloat64:
      return ReadNumber<double>(cursor, field);
    case ValueType::kBool: {
      HEARTH_TRY(const bool value, ReadBool(cursor, field));
      return GgufValue(value);
    }
    case ValueType::kString: {
      HEARTH_TRY(const std::string_view value, cursor.ReadString(field));
      return GgufValue(std::string(value));
    }
    case ValueType::kArray: {
      HEARTH_TRY(GgufArray value, ReadArray(cursor, field, 1));
      return GgufValue(std::move(value));
    }
  }
  return cursor.Fail(start, field, ": value type ", type, " is not a GGUF value type");
}

}  // namespace hearth::model
