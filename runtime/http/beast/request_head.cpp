#include "runtime/http/beast/request_head.h"

#include <algorithm>
#include <cctype>

namespace hearth::http {
namespace {

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool DecodePath(std::string_view text, std::string& out) {
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      if (i + 2 >= text.size() || HexDigit(text[i + 1]) < 0 || HexDigit(text[i + 2]) < 0) {
        return false;
      }
      c = static_cast<char>(HexDigit(text[i + 1]) * 16 + HexDigit(text[i + 2]));
      i += 2;
    }
    if (static_cast<unsigned char>(c) < 0x20) return false;
    out += c;
  }
  return true;
}

}  // namespace

bool TakeHead(const RequestParser::value_type& message, HttpRequest& request) {
  request.method = std::string(message.method_string());
  for (const auto& field : message) {
    std::string name(field.name_string());
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
    request.headers.emplace_back(std::move(name), field.value());
  }
  const auto target = message.target();
  const std::string_view text(target.data(), target.size());
  if (!text.starts_with('/')) return false;
  const size_t mark = text.find('?');
  if (mark != std::string_view::npos) request.query = text.substr(mark + 1);
  return DecodePath(text.substr(0, mark), request.path);
}

}  // namespace hearth::http
