#include "grammars/schema/formats.h"

#include <cassert>
#include <string>
#include <utility>

#include "grammars/regex/ecma_regex.h"

namespace hearth::grammar {

namespace {

// RFC 3339 full-date, leap years included.
const std::string kDate =
    R"((?:\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)|02-(?:0[1-9]|1\d|2[0-8]))|(?:\d\d(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29))";
const std::string kOffset = R"((?:[zZ]|[+-](?:[01]\d|2[0-3]):[0-5]\d))";
const std::string kPlainTime = R"((?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?)" + kOffset;

const std::string kIpv4 =
    R"((?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\.){3}(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d))";

std::string Ipv6() {
  const std::string h = "[0-9A-Fa-f]{1,4}";
  const std::string last = "(?:" + h + ":" + h + "|" + kIpv4 + ")";  // the low 32 bits
  std::string out = "(?:(?:" + h + ":){6}" + last;
  out += "|::(?:" + h + ":){5}" + last;
  const auto front = [&](int n) {
    return "(?:(?:" + h + ":){0," + std::to_string(n) + "}" + h + ")?";
  };
  out += "|" + front(0) + "::(?:" + h + ":){4}" + last;
  out += "|" + front(1) + "::(?:" + h + ":){3}" + last;
  out += "|" + front(2) + "::(?:" + h + ":){2}" + last;
  out += "|" + front(3) + "::" + h + ":" + last;
  out += "|" + front(4) + "::" + last;
  out += "|" + front(5) + "::" + h;
  out += "|" + front(6) + "::)";
  return out;
}

const std::string kLabel = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?";
// RFC 1123 host name of at most 253 characters. A label with hyphens in its third and fourth place
// is a Unicode label in disguise (RFC 5890) and would need Punycode: those are left out.
const std::string kHostname =
    "(?=.{1,253}$)(?!(?:.*\\.)?[A-Za-z0-9]{2}--)" + kLabel + "(?:\\." + kLabel + ")*";

std::string Email() {
  const std::string atom = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+";
  // Lengths are left to maxLength: counting them would give every position a state of its own.
  const std::string label = "[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?";
  return "(?:" + atom + "(?:\\." + atom + ")*|\"(?:[ !#-\\[\\]-~]|\\\\[ -~])*\")@(?:" + label +
         "(?:\\." + label + ")*|\\[(?:" + kIpv4 + "|IPv6:" + Ipv6() + ")\\])";
}

// RFC 3986.
std::string Uri(bool reference) {
  const std::string pct = "%[0-9A-Fa-f]{2}";
  const std::string pchar = "(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|" + pct + ")";
  const std::string segments = "(?:/" + pchar + "*)*";
  const std::string host =
      "(?:\\[(?:" + Ipv6() +
      "|[vV][0-9A-Fa-f]+\\.[A-Za-z0-9._~!$&'()*+,;=:-]+)\\]|(?:[A-Za-z0-9._~!$&'()*+,;=-]|" + pct +
      ")*)";
  const std::string authority =
      "//(?:(?:[A-Za-z0-9._~!$&'()*+,;=:-]|" + pct + ")*@)?" + host + "(?::[0-9]*)?";
  const std::string tail = "(?:\\?(?:" + pchar + "|[/?])*)?(?:#(?:" + pchar + "|[/?])*)?";
  const std::string rooted = "/(?:" + pchar + "+" + segments + ")?";
  const std::string full = "[A-Za-z][A-Za-z0-9+.-]*:(?:" + authority + segments + "|" + rooted +
                           "|" + pchar + "+" + segments + "|)" + tail;
  if (!reference) return full;
  const std::string no_colon = "(?:[A-Za-z0-9._~!$&'()*+,;=@-]|" + pct + ")+";
  return "(?:" + full + "|(?:" + authority + segments + "|" + rooted + "|" + no_colon + segments +
         "|)" + tail + ")";
}

// RFC 3339 appendix A.
const std::string kDuration =
    R"(P(?:\d+W|(?:\d+Y(?:\d+M(?:\d+D)?)?|\d+M(?:\d+D)?|\d+D)(?:T(?:\d+H(?:\d+M(?:\d+S)?)?|\d+M(?:\d+S)?|\d+S))?|T(?:\d+H(?:\d+M(?:\d+S)?)?|\d+M(?:\d+S)?|\d+S)))";

const std::string* Pattern(std::string_view name) {
  static const std::string uuid = "[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}";
  static const std::string ipv6 = Ipv6(), email = Email(), uri = Uri(false),
                           uri_reference = Uri(true);
  static const std::string pointer = "(?:/(?:[^~/]|~[01])*)*";
  static const std::string relative_pointer = "(?:0|[1-9][0-9]*)(?:#|" + pointer + ")";
  static const std::pair<std::string_view, const std::string*> table[] = {
      {"date", &kDate},

      {"duration", &kDuration},
      {"email", &email},
      {"hostname", &kHostname},
      {"ipv4", &kIpv4},
      {"ipv6", &ipv6},
      {"uuid", &uuid},
      {"uri", &uri},
      {"uri-reference", &uri_reference},
      {"json-pointer", &pointer},
      {"relative-json-pointer", &relative_pointer}};
  for (const auto& [known, pattern] : table) {
    if (known == name) return pattern;
  }
  return nullptr;
}

}  // namespace

std::optional<ExprId> FormatLanguage(std::string_view name, bool narrowed, ExpressionStore& store) {
  const auto language = [&](const std::string& pattern) {
    const auto parsed = ParseEcmaRegexWhole(pattern, store);
    assert(parsed.ok());  // our own patterns
    return *parsed;
  };
  if (name == "time" || name == "date-time") {
    const ExprId leap = narrowed ? language(R"(23:59:60(?:\.\d+)?[zZ])") : store.LeapSecond();
    const ExprId time = store.Alt({language(kPlainTime), leap});
    return name == "time" ? time : store.Concat(language(kDate + "[tT]"), time);
  }
  const std::string* pattern = Pattern(name);
  if (pattern == nullptr) return std::nullopt;
  return language(*pattern);
}

}  // namespace hearth::grammar
