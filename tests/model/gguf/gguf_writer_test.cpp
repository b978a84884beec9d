#include "model/gguf_writer.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <filesystem>

namespace hearth::model {
namespace {

std::string TempPath(const char* name) {
  return (std::filesystem::temp_directory_path() / (name + std::to_string(::getpid()) + ".gguf"))
      .string();
}

std::vector<std::byte> Bytes(size_t count, int seed) {
  std::vector<std::byte> bytes(count);
  for (size_t i = 0; i < count; ++i)
    bytes[i] = static_cast<std::byte>((i * 7 + static_cast<size_t>(seed)) & 255);
  return bytes;
}

TEST_CASE("what is written is read back") {
  const std::string path = TempPath("written");
  const auto first = Bytes(3 * 2 * 34, 1);
  const auto second = Bytes(5 * 4, 2);
  {
    auto created = GgufWriter::Create(path, 64);
    REQUIRE(created.ok());
    GgufWriter& writer = **created;
    writer.AddString("general.architecture", "test");
    writer.AddUint32("u32", 5);
    writer.AddUint64("u64", uint64_t{1} << 40);
    writer.AddInt32("i32", -5);
    writer.AddFloat32("f32", 0.25f);
    writer.AddBool("yes", true);
    writer.AddStrings("tokens", std::vector<std::string>{"a", "", "ccc"});
    writer.AddInt32s("types", std::vector<int32_t>{1, -2, 3});
    writer.AddFloat32s("scores", std::vector<float>{-1.5f, 2});
    writer.AddTensor("quantized", TensorType::kQ8_0, std::vector<uint64_t>{64, 3});
    writer.AddTensor("plain", TensorType::kF32, std::vector<uint64_t>{5});
    // In pieces that do not respect tensors.
    std::vector<std::byte> all = first;
    all.insert(all.end(), second.begin(), second.end());
    REQUIRE(writer.WriteData(std::span(all).first(10)).ok());
    REQUIRE(writer.WriteData(std::span(all).subspan(10, 200)).ok());
    CHECK_FALSE(std::filesystem::exists(path));
    REQUIRE(writer.WriteData(std::span(all).subspan(210)).ok());
    REQUIRE(writer.Finish().ok());
  }
  CHECK_FALSE(std::filesystem::exists(path + ".part"));
  const auto opened = GgufFile::Open(path);
  std::filesystem::remove(path);
  REQUIRE(opened.ok());
  const GgufFile& file = **opened;
  CHECK(file.GetUint("general.alignment") == 64u);
  CHECK(*file.GetString("general.architecture") == "test");
  CHECK(std::get<uint64_t>(*file.Find("u32")) == 5);
  CHECK(file.GetUint("u64") == uint64_t{1} << 40);
  CHECK(std::get<int64_t>(*file.Find("i32")) == -5);
  CHECK(file.GetFloat("f32") == 0.25);
  CHECK(file.GetBool("yes") == true);
  CHECK(*file.GetStrings("tokens") == std::vector<std::string>{"a", "", "ccc"});
  CHECK(file.GetInts("types") == std::vector<int64_t>{1, -2, 3});
  CHECK(file.GetFloats("scores") == std::vector<double>{-1.5, 2});
  REQUIRE(file.FindTensor("quantized") != nullptr);
  REQUIRE(file.FindTensor("plain") != nullptr);
  CHECK(std::memcmp(file.FindTensor("quantized")->data.data(), first.data(), first.size()) == 0);
  CHECK(std::memcmp(file.FindTensor("plain")->data.data(), second.data(), second.size()) == 0);
}

TEST_CASE("a file that was read can be written again, value by value") {
  const std::string path = TempPath("copy");
  const GgufArray nested{
      std::vector<GgufArray>{{std::vector<bool>{true, false}}, {std::vector<double>{1.5}}}};
  {
    auto writer = GgufWriter::Create(path);
    REQUIRE(writer.ok());
    (*writer)->AddValue("nested", nested);
    (*writer)->AddValue("i64", int64_t{-9});
    (*writer)->AddValue("f64", 0.1);
    (*writer)->AddValue("no", false);
    (*writer)->AddValue("text", std::string("x"));
    (*writer)->AddValue("general.alignment", uint64_t{128});
    REQUIRE((*writer)->Finish().ok());
  }
  const auto opened = GgufFile::Open(path);
  std::filesystem::remove(path);
  REQUIRE(opened.ok());
  CHECK((*opened)->GetUint("general.alignment") == 32u);
  CHECK(std::get<int64_t>(*(*opened)->Find("i64")) == -9);
  CHECK((*opened)->GetFloat("f64") == 0.1);
  CHECK((*opened)->GetBool("no") == false);
  const auto& lists =
      std::get<std::vector<GgufArray>>(std::get<GgufArray>(*(*opened)->Find("nested")).items);
  REQUIRE(lists.size() == 2);
  CHECK(std::get<std::vector<bool>>(lists[0].items) == std::vector<bool>{true, false});
  CHECK(std::get<std::vector<double>>(lists[1].items) == std::vector<double>{1.5});
}

TEST_CASE("an unfinished or wrong file leaves nothing behind and says why") {
  const std::string path = TempPath("wrong");
  const auto finish = [&](auto fill) {
    auto writer = GgufWriter::Create(path);
    REQUIRE(writer.ok());
    fill(**writer);
    const Status status = (*writer)->Finish();
    return status.ok() ? std::string("finished") : status.error().message;
  };
  const std::vector<uint64_t> shape = {32};
  CHECK(finish([&](GgufWriter& w) {
          w.AddTensor("t", TensorType::kF32, shape);
        }).find("'t' is incomplete") != std::string::npos);
  CHECK(finish([&](GgufWriter& w) { (void)w.WriteData(Bytes(1, 0)); }).find("more tensor data") !=
        std::string::npos);
  CHECK(finish([&](GgufWriter& w) {
          w.AddUint32("k", 1);
          w.AddUint32("k", 2);
        }).find("added twice") != std::string::npos);
  CHECK(finish([&](GgufWriter& w) {
          w.AddTensor("t", TensorType::kQ4_K, shape);
        }).find("cannot be Q4_K") != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(path));
  CHECK_FALSE(std::filesystem::exists(path + ".part"));
  CHECK_FALSE(GgufWriter::Create("/nonexistent/x.gguf").ok());
  CHECK_FALSE(GgufWriter::Create(path, 12).ok());
}

}  // namespace
}  // namespace hearth::model
