#include "mcp/token_store.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <fstream>

#include "runtime/base/ids.h"

namespace hearth::mcp {
namespace {

struct TemporaryFile {
  std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("hearth-tokens-" + RandomHex(8));
  ~TemporaryFile() {
    std::filesystem::remove(path);
    std::filesystem::remove(path.string() + ".lock");
  }
};

}  // namespace

TEST_CASE("credentials stay with their server and their issuer") {
  TemporaryFile file;
  for (const std::filesystem::path& path : {std::filesystem::path(), file.path}) {
    TokenStore store(path);
    CHECK_FALSE(*store.Current("https://a/mcp"));
    const Credentials first{.issuer = "https://i",
                            .client = {.id = "c1", .secret = "s", .auth_method = "none"},
                            .tokens = {.access = "t1", .refresh = "r", .scope = "x y"}};
    const Credentials second{.issuer = "https://j", .client = {.id = "c2"}};
    REQUIRE(store.Save("https://a/mcp", first).ok());
    REQUIRE(store.Save("https://a/mcp", second).ok());
    CHECK((*store.Current("https://a/mcp"))->client.id == "c2");
    CHECK((*store.Find("https://a/mcp", "https://i"))->tokens.access == "t1");
    CHECK_FALSE(*store.Find("https://b/mcp", "https://i"));
    CHECK(*store.Forget("https://a/mcp"));
    CHECK_FALSE(*store.Forget("https://a/mcp"));
    CHECK_FALSE(*store.Find("https://a/mcp", "https://i"));
    REQUIRE(store.Save("https://a/mcp", first).ok());
  }
  TokenStore again(file.path);
  const auto kept = again.Current("https://a/mcp");
  REQUIRE((kept.ok() && *kept));
  CHECK((*kept)->tokens.refresh == "r");
  CHECK((*kept)->tokens.scope == "x y");
}

TEST_CASE("the file is its owner's alone") {
  TemporaryFile file;
  TokenStore store(file.path);
  REQUIRE(store.Save("https://a", {.issuer = "https://i"}).ok());
  struct stat info = {};
  REQUIRE(::stat(file.path.c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0600);
  ::chmod(file.path.c_str(), 0644);
  CHECK(store.Current("https://a").error().message.find("chmod 600") != std::string::npos);
  ::chmod(file.path.c_str(), 0600);
  std::ofstream(file.path) << "{";
  CHECK(store.Current("https://a").error().message.find("damaged") != std::string::npos);
  CHECK_FALSE(store.Save("https://a", {.issuer = "https://i"}).ok());
}

}  // namespace hearth::mcp
