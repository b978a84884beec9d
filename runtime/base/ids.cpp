#include "runtime/base/ids.h"

#include <sys/random.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace hearth {
namespace {

void AppendHex(std::string& out, std::span<const unsigned char> bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  for (const unsigned char byte : bytes) {
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
}

}  // namespace

void FillRandom(std::span<unsigned char> out) {
  while (!out.empty()) {
    const ssize_t got = ::getrandom(out.data(), out.size(), 0);
    if (got < 0) {
      if (errno == EINTR) continue;
      // A guessable id is worse than none, and no supported kernel refuses.
      std::perror("getrandom");
      std::abort();
    }
    out = out.subspan(static_cast<size_t>(got));
  }
}

std::string RandomHex(size_t bytes) {
  std::vector<unsigned char> raw(bytes);
  FillRandom(raw);
  std::string text;
  AppendHex(text, raw);
  return text;
}

std::string NewId(TimePoint now) {
  std::array<unsigned char, 16> id{};
  FillRandom(id);
  const auto ms = static_cast<uint64_t>(
      std::chrono::floor<std::chrono::milliseconds>(now.time_since_epoch()).count());
  for (size_t i = 0; i < 6; ++i) id[i] = static_cast<unsigned char>(ms >> (40 - 8 * i));
  id[6] = static_cast<unsigned char>((id[6] & 0x0f) | 0x70);
  id[8] = static_cast<unsigned char>((id[8] & 0x3f) | 0x80);
  std::string text;
  AppendHex(text, id);
  for (const size_t dash : {8, 13, 18, 23}) text.insert(dash, 1, '-');
  return text;
}

}  // namespace hearth
