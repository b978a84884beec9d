#include "runtime/net/url.h"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace hearth::net {
namespace {

constexpr size_t kLongest = 8192;

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower;
}

bool IsUnreserved(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '.' || c == '_' ||
         c == '~';
}

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string FormDecodeOne(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool coded = text[i] == '%' && i + 2 < text.size() && HexValue(text[i + 1]) >= 0 &&
                       HexValue(text[i + 2]) >= 0;
    if (coded) {
      out += static_cast<char>(HexValue(text[i + 1]) * 16 + HexValue(text[i + 2]));
      i += 2;
    } else {
      out += text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

Error Refuse(const char* why) {
  return MakeError(ErrorCode::kInvalidArgument, "it is no usable address: ", why);
}

}  // namespace

Result<Url> Url::Parse(std::string_view text) {
  if (text.size() > kLongest) return Refuse("it is too long");
  const auto is_bad = [](char c) {
    return static_cast<unsigned char>(c) <= 0x20 || static_cast<unsigned char>(c) >= 0x7F ||
           c == '\\' || c == '"' || c == '<' || c == '>';
  };
  if (std::ranges::any_of(text, is_bad)) return Refuse("it has a character that must be encoded");
  text = text.substr(0, text.find('#'));
  const size_t colon = text.find("://");
  if (colon == std::string_view::npos) return Refuse("it begins with neither http:// nor https://");
  Url url;
  url.scheme = Lower(text.substr(0, colon));
  if (url.scheme != "http" && url.scheme != "https") {
    return Refuse("it begins with neither http:// nor https://");
  }
  url.port = url.secure() ? 443 : 80;
  const std::string_view rest = text.substr(colon + 3);
  const size_t end = std::min(rest.find_first_of("/?"), rest.size());
  std::string_view authority = rest.substr(0, end);
  if (authority.find('@') != std::string_view::npos) return Refuse("it has a user name in it");
  std::string_view port;
  if (authority.starts_with('[')) {
    const size_t close = authority.find(']');
    if (close == std::string_view::npos) return Refuse("a bracket is not closed");
    url.host = Lower(authority.substr(1, close - 1));
    port = authority.substr(close + 1);
    if (!port.empty() && port[0] != ':') return Refuse("something stands behind its host");
  } else {
    const size_t at = std::min(authority.find(':'), authority.size());
    url.host = Lower(authority.substr(0, at));
    port = authority.substr(at);
  }
  if (url.host.empty() || url.host.size() > 255) return Refuse("it has no host");
  if (port.size() > 1) {
    const auto read = std::from_chars(port.data() + 1, port.data() + port.size(), url.port);
    if (read.ec != std::errc() || read.ptr != port.data() + port.size() || url.port == 0) {
      return Refuse("its port is none");
    }
  }
  url.target = rest.substr(end);
  if (!url.target.starts_with('/')) url.target.insert(0, "/");
  return url;
}

Result<Url> Url::Resolve(std::string_view reference) const {
  if (reference.starts_with("//")) return Parse(Concat(scheme, ":", reference));
  if (reference.starts_with('/')) return Parse(Concat(origin(), reference));
  return Parse(reference);
}

std::string Url::path() const { return target.substr(0, target.find('?')); }

std::string Url::authority() const {
  std::string text = host.find(':') == std::string::npos ? host : "[" + host + "]";
  if (port != (secure() ? 443 : 80)) text += ":" + std::to_string(port);
  return text;
}

std::string Url::origin() const { return scheme + "://" + authority(); }

std::string Url::ToString() const { return origin() + (target == "/" ? "" : target); }

bool Url::loopback() const {
  if (host == "localhost" || host.ends_with(".localhost") || host == "::1") return true;
  return host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string::npos;
}

std::string PercentEncode(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (IsUnreserved(c)) {
      out += c;
    } else {
      out += '%';
      out += kDigits[static_cast<unsigned char>(c) >> 4];
      out += kDigits[static_cast<unsigned char>(c) & 15];
    }
  }
  return out;
}

std::string FormEncode(const std::vector<std::pair<std::string, std::string>>& fields) {
  std::string out;
  for (const auto& [name, value] : fields) {
    out += (out.empty() ? "" : "&") + PercentEncode(name) + "=" + PercentEncode(value);
  }
  return out;
}

std::vector<std::pair<std::string, std::string>> FormDecode(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> fields;
  while (!text.empty()) {
    const size_t end = std::min(text.find('&'), text.size());
    const std::string_view field = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (field.empty()) continue;
    const size_t equals = std::min(field.find('='), field.size());
    fields.emplace_back(FormDecodeOne(field.substr(0, equals)),
                        FormDecodeOne(field.substr(std::min(equals + 1, field.size()))));
  }
  return fields;
}

}  // namespace hearth::net
