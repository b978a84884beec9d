#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "model/gguf.h"
#include "tests/support/files.h"
#include "tests/support/gguf_bytes.h"

namespace hearth::model {
namespace {

using test::GgufBytes;

class TempFolder {
 public:
  TempFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "hearth-gguf-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~TempFolder() { std::filesystem::remove_all(path_); }
  std::string Write(const std::string& name, const std::string& bytes) const {
    std::ofstream(path_ / name, std::ios::binary) << bytes;
    return (path_ / name).string();
  }
  std::string Path(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

GgufBytes Part(uint16_t number, uint16_t count, const std::string& tensor) {
  return GgufBytes()
      .Head(1, 3)
      .Key("split.no", 2)
      .Put(number)
      .Key("split.count", 2)
      .Put(count)
      .Key("split.tensors.count", 5)
      .Put(int32_t{count})
      .Tensor(tensor, {8}, 0, 0)
      .Data(32);
}

TEST_CASE("values of every type are read and looked up") {
  const GgufBytes bytes = GgufBytes()
                              .Head(0, 16)
                              .Key("u8", 0)
                              .Put(uint8_t{200})
                              .Key("i8", 1)
                              .Put(int8_t{-3})
                              .Key("u16", 2)
                              .Put(uint16_t{60000})
                              .Key("i16", 3)
                              .Put(int16_t{-300})
                              .Key("u32", 4)
                              .Put(4000000000u)
                              .Key("i32", 5)
                              .Put(int32_t{7})
                              .Key("f32", 6)
                              .Put(0.5f)
                              .Key("yes", 7)
                              .Put(uint8_t{1})
                              .Key("text", 8)
                              .String(std::string_view("a\0b", 3))
                              .Key("u64", 10)
                              .Put(~uint64_t{0})
                              .Key("i64", 11)
                              .Put(int64_t{-1})
                              .Key("f64", 12)
                              .Put(1e300)
                              .Array("strings", 8, 2)
                              .String("x")
                              .String("")
                              .Array("ints", 0, 3)
                              .Raw("\1\2\xff")
                              .Array("floats", 6, 2)
                              .Put(1.5f)
                              .Put(-2.0f)
                              .Array("bools", 7, 9)
                              .Raw(std::string_view("\1\0\1\0\0\0\0\0\1", 9));
  const auto parsed = GgufFile::Parse(std::as_bytes(std::span(bytes.text())), "m");
  REQUIRE(parsed.ok());
  const GgufFile& file = **parsed;
  CHECK(file.version() == 3);
  CHECK(file.file_bytes() == bytes.text().size());
  CHECK(file.GetUint("u8") == 200u);
  CHECK(file.GetUint("u64") == ~uint64_t{0});
  CHECK(file.GetUint("i32") == 7u);
  CHECK_FALSE(file.GetUint("i8").has_value());
  CHECK_FALSE(file.GetUint("f32").has_value());
  CHECK_FALSE(file.GetUint("yes").has_value());
  CHECK_FALSE(file.GetUint("absent").has_value());
  CHECK(file.GetFloat("f32") == 0.5);
  CHECK(file.GetFloat("f64") == 1e300);
  CHECK(file.GetFloat("i16") == -300.0);
  CHECK_FALSE(file.GetFloat("text").has_value());
  CHECK(file.GetBool("yes") == true);
  CHECK_FALSE(file.GetBool("u8").has_value());
  REQUIRE(file.GetString("text") != nullptr);
  CHECK(*file.GetString("text") == std::string_view("a\0b", 3));
  CHECK(file.GetString("u8") == nullptr);
  REQUIRE(file.GetStrings("strings") != nullptr);
  CHECK(*file.GetStrings("strings") == std::vector<std::string>{"x", ""});
  CHECK(file.GetStrings("ints") == nullptr);
  CHECK(file.GetInts("ints") == std::vector<int64_t>{1, 2, 255});
  CHECK_FALSE(file.GetInts("floats").has_value());
  CHECK(file.GetFloats("floats") == std::vector<double>{1.5, -2.0});
  CHECK(file.GetFloats("ints") == std::vector<double>{1, 2, 255});
  CHECK(std::get<GgufArray>(*file.Find("bools")).size() == 9);
  CHECK(std::get<int64_t>(*file.Find("i64")) == -1);
}

TEST_CASE("tensors are found by name and lie where the file says") {
  const GgufBytes bytes = GgufBytes()
                              .Head(3, 1)
                              .Key("general.alignment", 4)
                              .Put(64u)
                              .Tensor("late", {32, 3, 2}, 8, 128)
                              .Tensor("early", {4}, 0, 0)
                              .Tensor("scalar", {}, 0, 64)
                              .Data(128 + 6 * 34, 64);
  const auto parsed = GgufFile::Parse(std::as_bytes(std::span(bytes.text())), "m");
  REQUIRE(parsed.ok());
  const TensorInfo* const late = (*parsed)->FindTensor("late");
  REQUIRE(late != nullptr);
  CHECK(late->type == TensorType::kQ8_0);
  CHECK(late->n_dims == 3);
  CHECK(late->cols() == 32);
  CHECK(late->rows() == 6);
  CHECK(late->data.size() == 6 * 34);
  CHECK(reinterpret_cast<const char*>(late->data.data() + late->data.size()) ==
        bytes.text().data() + bytes.text().size());
  CHECK((*parsed)->FindTensor("scalar")->elements() == 1);
  CHECK((*parsed)->FindTensor("absent") == nullptr);
  CHECK((*parsed)->tensors()[1].name == "early");
}

TEST_CASE("what is no file is refused by name") {
  const TempFolder folder;
  const auto absent = GgufFile::Open(folder.Path("absent.gguf"));
  REQUIRE_FALSE(absent.ok());
  CHECK(absent.error().code == ErrorCode::kNotFound);
  CHECK(absent.error().message.find("absent.gguf: cannot be opened") != std::string::npos);
  const auto directory = GgufFile::Open(folder.Path(""));
  REQUIRE_FALSE(directory.ok());
  CHECK(directory.error().message.find("is not a regular file") != std::string::npos);
  const auto empty = GgufFile::Open(folder.Write("empty.gguf", ""));
  REQUIRE_FALSE(empty.ok());
  CHECK(empty.error().message.find("magic") != std::string::npos);
}

TEST_CASE("the parts of a split model join") {
  const TempFolder folder;
  const std::string first = folder.Write("m-00001-of-00003.gguf", Part(0, 3, "a").text());
  folder.Write("m-00002-of-00003.gguf", Part(1, 3, "b").text());
  folder.Write("m-00003-of-00003.gguf", Part(2, 3, "c").text());
  const auto opened = GgufFile::Open(first);
  REQUIRE(opened.ok());
  CHECK((*opened)->tensors().size() == 3);
  REQUIRE((*opened)->FindTensor("c") != nullptr);
  CHECK((*opened)->FindTensor("c")->data.size() == 32);
  CHECK((*opened)->file_bytes() == 3 * Part(0, 3, "a").text().size());
}

TEST_CASE("a split model that is not whole is refused") {
  const TempFolder folder;
  const auto message = [](const std::string& path) {
    const auto opened = GgufFile::Open(path);
    return opened.ok() ? std::string("opened") : opened.error().message;
  };
  const auto contains = [](const std::string& text, const std::string& part) {
    INFO(text);
    CHECK(text.find(part) != std::string::npos);
  };
  const std::string first = folder.Write("m-00001-of-00002.gguf", Part(0, 2, "a").text());
  contains(message(first), "m-00002-of-00002.gguf: cannot be opened");
  const std::string second = folder.Write("m-00002-of-00002.gguf", Part(1, 2, "a").text());
  contains(message(second), "m-00001-of-00002.gguf");
  contains(message(second), "is part 2 of 2");
  contains(message(first), "tensor 'a' is also in an earlier part");
  folder.Write("m-00002-of-00002.gguf", Part(0, 2, "b").text());
  contains(message(first), "say part 1 of 2");
  contains(message(folder.Write("renamed.gguf", Part(0, 2, "a").text())),
           "its name must end with -00001-of-00002.gguf");
  folder.Write("m-00002-of-00002.gguf", GgufBytes()
                                            .Head(0, 2)
                                            .Key("split.no", 2)
                                            .Put(uint16_t{1})
                                            .Key("split.count", 2)
                                            .Put(uint16_t{2})
                                            .text());
  contains(message(first), "split.tensors.count is 2, but the parts hold 1");
}

TEST_CASE("the real model opens") {
  const auto path = test::TestModel();
  if (path.empty()) {
    WARN("skipped: the test model is not installed");
    return;
  }
  const auto opened = GgufFile::Open(path.string());
  REQUIRE(opened.ok());
  CHECK((*opened)->tensors().size() == 272);
  CHECK(*(*opened)->GetString("general.architecture") == "llama");
  CHECK((*opened)->FindTensor("token_embd.weight")->rows() == 49152);
}

}  // namespace
}  // namespace hearth::model
