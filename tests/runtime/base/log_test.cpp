#include "runtime/base/log.h"

#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>

namespace hearth {
namespace {

// What `body` writes to stderr.
template <typename Body>
std::string CaptureStderr(Body body) {
  std::string path = "/tmp/hearth-log-XXXXXX";
  const int file = ::mkstemp(path.data());
  const int saved = ::dup(STDERR_FILENO);
  ::dup2(file, STDERR_FILENO);
  body();
  ::dup2(saved, STDERR_FILENO);
  ::close(saved);
  ::close(file);
  std::ifstream in(path);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  ::unlink(path.c_str());
  return text;
}

TEST_CASE("lines below the level are dropped, others are one line each") {
  const std::string text = CaptureStderr([] {
    SetLogLevel(LogLevel::kWarn);
    Log(LogLevel::kInfo, "unseen");
    Log(LogLevel::kWarn, "slot ", 3, " said\n\x1b[31mred");
    Log(LogLevel::kError, "last");
    SetLogLevel(LogLevel::kOff);
    Log(LogLevel::kError, "unseen");
    SetLogLevel(LogLevel::kInfo);
  });
  CHECK(text.find("unseen") == std::string::npos);
  CHECK(text.find("Z WARN  slot 3 said\\n\\x1b[31mred\n") != std::string::npos);
  CHECK(text.ends_with("Z ERROR last\n"));
}

}  // namespace
}  // namespace hearth
