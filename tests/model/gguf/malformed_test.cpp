// Malformed files: each is refused with an error that names the field and the byte.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "model/gguf.h"
#include "tests/support/gguf_bytes.h"
#include "tests/support/vocabulary_file.h"

namespace hearth::model {
namespace {

using test::GgufBytes;

// Copied to the heap, so that the start is aligned and a sanitizer sees reads past the end.
Result<std::shared_ptr<const GgufFile>> Parse(const std::string& bytes) {
  const std::vector<char> copy(bytes.begin(), bytes.end());
  return GgufFile::Parse(std::as_bytes(std::span(copy)), "test.gguf");
}

struct Malformed {
  const char* what;
  GgufBytes bytes;
  const char* error;  // part of the message
};

GgufBytes File() { return {}; }
// A file of one pair, after whose key and type the value is put.
GgufBytes Pair(uint32_t type) { return File().Head(0, 1).Key("k", type); }
GgufBytes OneTensor(std::vector<uint64_t> shape, uint32_t type, uint64_t offset) {
  return File().Head(1, 0).Tensor("t", std::move(shape), type, offset).Data(4096);
}
GgufBytes Aligned(uint32_t alignment) {
  return File().Head(0, 1).Key("general.alignment", 4).Put(alignment);
}

constexpr uint64_t kHuge = ~uint64_t{0};

std::vector<Malformed> MalformedFiles() {
  std::vector<Malformed> files = {
      {"empty", File(), "byte 0: magic: 4 bytes wanted"},
      {"half a magic", File().Raw("GG"), "byte 0: magic: 4 bytes wanted, the file ends after 2"},
      {"another magic", File().Raw("GGML").Put(3u),
       "byte 0: magic: the file does not begin with 'GGUF'"},
      {"the older magic ggjt", File().Raw("tjgg").Put(3u), "byte 0: magic"},
      {"zip file", File().Raw("PK\3\4").Put(3u), "byte 0: magic"},
      {"no version", File().Raw("GGUF"), "byte 4: version"},
      {"version 0", File().Head(0, 0, 0), "version: 0 is not supported"},
      {"version 1", File().Head(0, 0, 1), "version: 1 is not supported"},
      {"version 4", File().Head(0, 0, 4), "version: 4 is not supported"},
      {"big-endian", File().Head(0, 0, 0x03000000), "big-endian"},
      {"no tensor count", File().Raw("GGUF").Put(3u), "byte 8: tensor count"},
      {"no metadata count", File().Raw("GGUF").Put(3u).Put(uint64_t{0}), "byte 16: metadata count"},
      {"tensor count beyond the file", File().Head(1, 0), "byte 8: tensor count: 1 entries"},
      {"tensor count of 2^64-1", File().Head(kHuge, 0).Data(64), "byte 8: tensor count"},
      {"tensor count of 2^63", File().Head(uint64_t{1} << 63, 0).Data(64), "byte 8: tensor count"},
      {"metadata count beyond the file", File().Head(0, 1), "byte 16: metadata count: 1 entries"},
      {"metadata count of 2^64-1", File().Head(0, kHuge).Data(64), "byte 16: metadata count"},
      {"tensor count that metadata uses up",
       File().Head(1, 1).Key("k", 4).Put(1u).Raw("12345678901"),
       "tensor count: 1 entries do not fit in the 11 bytes"},
      {"key longer than the file", File().Head(0, 1).Put(uint64_t{100}).Raw("0123456789"),
       "byte 24: metadata key 0: string length 100 exceeds the 10 bytes"},
      {"key length of 2^64-1", File().Head(0, 1).Put(kHuge).Raw("0123456789"),
       "byte 24: metadata key 0"},
      {"empty key", File().Head(0, 1).Key("", 4).Put(1u).Put(1u),
       "byte 24: metadata key 0: is empty"},
      {"key of 70000 bytes", File().Head(0, 1).Key(std::string(70000, 'k'), 4).Put(1u),
       "more than 65535"},
      {"key twice", File().Head(0, 2).Key("k", 4).Put(1u).Key("k", 4).Put(2u), "'k' appears twice"},
      {"value type 13", Pair(13).Put(uint64_t{0}), "byte 33: value of key 'k': value type 13"},
      {"value type 2^32-1", Pair(~0u).Put(uint64_t{0}), "value type 4294967295"},
      {"no uint8", Pair(0), "metadata count"},
      {"half a uint16", Pair(2).Raw("x"), "byte 37: value of key 'k': 2 bytes wanted"},
      {"half an int16", Pair(3).Raw("x"), "2 bytes wanted"},
      {"half a uint32", Pair(4).Raw("xxx"), "4 bytes wanted"},
      {"half an int32", Pair(5).Raw("xxx"), "4 bytes wanted"},
      {"half a float32", Pair(6).Raw("xxx"), "4 bytes wanted"},
      {"half a uint64", Pair(10).Raw("xxxxxxx"), "8 bytes wanted"},
      {"half an int64", Pair(11).Raw("xxxxxxx"), "8 bytes wanted"},
      {"half a float64", Pair(12).Raw("xxxxxxx"), "8 bytes wanted"},
      {"bool of 2", Pair(7).Raw("\2"), "byte 37: value of key 'k': bool holds 2"},
      {"bool of 255", Pair(7).Raw("\xff"), "bool holds 255"},
      {"half a string length", Pair(8).Raw("xxx"), "byte 37: value of key 'k'"},
      {"string longer than the file", Pair(8).Put(uint64_t{4}).Raw("abc"),
       "string length 4 exceeds the 3"},
      {"string length of 2^64-1", Pair(8).Put(kHuge).Raw("abc"),
       "string length 18446744073709551615"},
      {"array without a type", Pair(9).Raw("x"), "byte 37: value of key 'k'"},
      {"array without a count", Pair(9).Put(4u), "byte 41: value of key 'k'"},
      {"array element type 13", Pair(9).Put(13u).Put(uint64_t{0}), "array element type 13"},
      {"array longer than the file", Pair(9).Put(4u).Put(uint64_t{3}).Put(1u).Put(2u),
       "byte 41: value of key 'k': array of 3 elements"},
      {"array of 2^64-1 bytes", Pair(9).Put(0u).Put(kHuge).Raw("xxxx"),
       "array of 18446744073709551615"},
      {"array of 2^62 words", Pair(9).Put(4u).Put(uint64_t{1} << 62).Raw("xxxx"), "array of"},
      {"array of 2^61 strings", Pair(9).Put(8u).Put(uint64_t{1} << 61).Raw("xxxx"), "array of"},
      {"array of bool with a 3", Pair(9).Put(7u).Put(uint64_t{2}).Raw("\1\3"), "bool holds 3"},
      {"array of strings that ends early",
       Pair(9).Put(8u).Put(uint64_t{2}).String("abcdefgh").Raw("xxx"), "8 bytes wanted"},
      {"array of arrays longer than the file",
       Pair(9).Put(9u).Put(uint64_t{1}).Put(4u).Put(uint64_t{9}), "array of 9 elements"},
      {"alignment 0", Aligned(0),
       "general.alignment: must be an unsigned power of two of at least 8, is 0"},
      {"alignment 1", Aligned(1), "general.alignment"},
      {"alignment 4", Aligned(4), "general.alignment"},
      {"alignment 24", Aligned(24), "general.alignment"},
      {"alignment 33", Aligned(33), "general.alignment"},
      {"alignment of 2^40", File().Head(0, 1).Key("general.alignment", 10).Put(uint64_t{1} << 40),
       "general.alignment"},
      {"signed alignment", File().Head(0, 1).Key("general.alignment", 5).Put(32),
       "general.alignment"},
      {"alignment as a string", File().Head(0, 1).Key("general.alignment", 8).String("32"),
       "general.alignment"},
      {"tensor name longer than the file",
       File().Head(1, 0).Put(uint64_t{99}).Raw("0123456789abcdefg"),
       "byte 24: name of tensor 0: string length 99"},
      {"tensor without a name", File().Head(1, 0).Tensor("", {1}, 0, 0).Data(64),
       "byte 24: name of tensor 0: is empty"},
      {"tensor twice", File().Head(2, 0).Tensor("t", {8}, 0, 0).Tensor("t", {8}, 0, 32).Data(64),
       "tensor 't' appears twice"},
      {"five dimensions", OneTensor({1, 1, 1, 1, 1}, 0, 0), "byte 33: tensor 't': 5 dimensions"},
      {"2^32-1 dimensions", File().Head(1, 0).String("t").Put(~0u).Data(64),
       "4294967295 dimensions"},
      {"dimension of zero", OneTensor({8, 0}, 0, 0), "byte 45: tensor 't': dimension 1 is zero"},
      {"dimension of 2^64-1", OneTensor({kHuge}, 0, 0), "product of the dimensions overflows"},
      {"dimensions whose product overflows",
       OneTensor({uint64_t{1} << 32, uint64_t{1} << 32}, 0, 0),
       "product of the dimensions overflows"},
      {"dimensions whose product is 2^64 + 32",
       OneTensor({uint64_t{1} << 31, uint64_t{1} << 31, 4, 1}, 24, 0), "overflows"},
      {"bytes that overflow", OneTensor({uint64_t{1} << 62}, 28, 0), "overflows"},
      {"tensor type 4", OneTensor({32}, 4, 0), "tensor type 4 is not supported"},
      {"tensor type 1000", OneTensor({32}, 1000, 0), "byte 45: tensor 't': tensor type 1000"},
      {"tensor type 2^32-1", OneTensor({32}, ~0u, 0), "tensor type 4294967295"},
      {"Q4_0 rows of 33", OneTensor({33}, 2, 0), "rows of 33 elements cannot be Q4_0"},
      {"Q4_K rows of 32", OneTensor({32, 8}, 12, 0), "rows of 32 elements cannot be Q4_K"},
      {"offset off the alignment", OneTensor({8}, 0, 8),
       "offset 8 is not a multiple of the alignment 32"},
      {"offset beyond the file", OneTensor({8}, 0, 8192), "lie beyond the 4096 bytes"},
      {"offset of 2^64-32", OneTensor({8}, 0, kHuge - 31), "lie beyond"},
      {"tensor longer than the file", OneTensor({1025}, 0, 0), "4100 bytes at offset 0 lie beyond"},
      {"tensor that ends past the file", OneTensor({8}, 0, 4096),
       "32 bytes at offset 4096 lie beyond"},
      {"no tensor data", File().Head(1, 0).Tensor("t", {8}, 0, 0), "lie beyond the 0 bytes"},
      {"tensors that overlap",
       File().Head(2, 0).Tensor("a", {16}, 0, 32).Tensor("b", {16}, 0, 0).Data(256),
       "tensor 'a' overlaps tensor 'b'"},
      {"tensors at one place",
       File().Head(2, 0).Tensor("a", {8}, 0, 0).Tensor("b", {8}, 0, 0).Data(256), "overlaps"},
      {"half a tensor offset",
       File().Head(1, 0).String("tensor").Put(1u).Put(uint64_t{8}).Put(0u).Raw("xxxx"),
       "8 bytes wanted"},
      {"part of a split model",
       File().Head(0, 2).Key("split.no", 2).Put(uint16_t{0}).Key("split.count", 2).Put(uint16_t{2}),
       "opened by its path"},
  };
  GgufBytes deep = Pair(9);
  for (int i = 0; i < 8; ++i) deep.Put(9u).Put(uint64_t{1});
  files.push_back({"arrays eight deep", deep.Put(4u).Put(uint64_t{0}), "nest deeper than 4"});
  return files;
}

TEST_CASE("malformed files are refused, and the error says where") {
  const std::vector<Malformed> files = MalformedFiles();
  CHECK(files.size() >= 60);
  for (const Malformed& file : files) {
    INFO(file.what);
    const auto parsed = Parse(file.bytes.text());
    REQUIRE_FALSE(parsed.ok());
    INFO(parsed.error().message);
    CHECK(parsed.error().message.find("test.gguf: ") == 0);
    CHECK(parsed.error().message.find(file.error) != std::string::npos);
  }
}

GgufBytes Valid() {
  return File()
      .Head(2, 4)
      .Key("general.architecture", 8)
      .String("llama")
      .Key("answer", 5)
      .Put(int32_t{42})
      .Array("list", 8, 2)
      .String("a")
      .String("bc")
      .Array("nested", 9, 1)
      .Put(7u)
      .Put(uint64_t{2})
      .Raw(std::string_view("\1\0", 2))
      .Tensor("a", {32, 2}, 2, 0)
      .Tensor("b", {8}, 0, 64)
      .Data(96);
}

TEST_CASE("a file cut short anywhere is refused") {
  const std::string whole = Valid().text();
  REQUIRE(Parse(whole).ok());
  for (size_t size = 0; size < whole.size(); ++size) {
    INFO(size);
    CHECK_FALSE(Parse(whole.substr(0, size)).ok());
  }
}

TEST_CASE("a file with any one byte changed is read or refused, never trusted") {
  const std::string whole = Valid().text();
  for (size_t at = 0; at < whole.size(); ++at) {
    for (const int flip : {0x01, 0x80, 0xff}) {
      std::string changed = whole;
      changed[at] = static_cast<char>(changed[at] ^ flip);
      const auto parsed = Parse(changed);
      if (!parsed.ok()) continue;
      for (const TensorInfo& tensor : (*parsed)->tensors()) {
        const TensorTypeInfo& type = GetTensorType(tensor.type);
        CHECK(tensor.data.size() == tensor.elements() / type.block_elements * type.block_bytes);
      }
    }
  }
}

// model_test "[.corpus]" writes the fuzzer's seeds to $HEARTH_FUZZ_CORPUS.
TEST_CASE("the same files seed the fuzzer", "[.corpus]") {
  const char* const folder = std::getenv("HEARTH_FUZZ_CORPUS");
  REQUIRE(folder != nullptr);
  std::vector<std::string> seeds = {Valid().text()};
  for (const Malformed& file : MalformedFiles()) seeds.push_back(file.bytes.text());
  test::VocabularyFile vocabulary;
  vocabulary.tokens = {
      {"a", TokenKind::kNormal}, {"ab", TokenKind::kNormal}, {"<s>", TokenKind::kControl}};
  vocabulary.merges = {"a b"};
  seeds.push_back(vocabulary.Bytes().text());
  for (size_t i = 0; i < seeds.size(); ++i) {
    std::ofstream out(std::filesystem::path(folder) / ("seed-" + std::to_string(i)),
                      std::ios::binary);
    out << seeds[i];
    CHECK(out.good());
  }
}

}  // namespace
}  // namespace hearth::model
