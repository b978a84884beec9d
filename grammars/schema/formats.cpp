#include "grammars/schema/formats.h"

#include <array>
#include <cassert>
#include <memory>
#include <mutex>
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

const std::string kUuid = "[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}";
const std::string kPointer = "(?:/(?:[^~/]|~[01])*)*";

// RFC 3339 appendix A.
const std::string kDuration =
    R"(P(?:\d+W|(?:\d+Y(?:\d+M(?:\d+D)?)?|\d+M(?:\d+D)?|\d+D)(?:T(?:\d+H(?:\d+M(?:\d+S)?)?|\d+M(?:\d+S)?|\d+S))?|T(?:\d+H(?:\d+M(?:\d+S)?)?|\d+M(?:\d+S)?|\d+S)))";

ExprId Parsed(const std::string& pattern, ExpressionStore& store) {
  const auto parsed = ParseEcmaRegexWhole(pattern, store);
  assert(parsed.ok());  // our own patterns
  return *parsed;
}

ExprId Time(bool narrowed, ExpressionStore& store) {
  const ExprId leap = narrowed ? Parsed(R"(23:59:60(?:\.\d+)?[zZ])", store) : store.LeapSecond();
  return store.Alt({Parsed(kPlainTime, store), leap});
}

ExprId DateTime(bool narrowed, ExpressionStore& store) {
  return store.Concat(Parsed(kDate + "[tT]", store), Time(narrowed, store));
}

// A format is parsed when it is first met; schemas take copies.
class Format {
 public:
  using Make = ExprId (*)(bool narrowed, ExpressionStore& store);

  constexpr Format(std::string_view name, Make make) : name_(name), make_(make) {}
  std::string_view name() const { return name_; }
  ExprId Copy(bool narrowed, ExpressionStore& store) {
    Language& language = languages_[narrowed ? 1 : 0];
    std::call_once(language.once, [&] {
      language.store = std::make_unique<ExpressionStore>();
      language.root = make_(narrowed, *language.store);
    });
    return store.Import(*language.store, language.root);
  }

 private:
  struct Language {
    std::once_flag once;
    std::unique_ptr<ExpressionStore> store;
    ExprId root = ExpressionStore::kNone;
  };

  std::string_view name_;
  Make make_;
  std::array<Language, 2> languages_;
};

Format* Find(std::string_view name) {
  static Format table[] = {
      {"date", [](bool, ExpressionStore& s) { return Parsed(kDate, s); }},
      {"time", Time},
      {"date-time", DateTime},
      {"duration", [](bool, ExpressionStore& s) { return Parsed(kDuration, s); }},
      {"email", [](bool, ExpressionStore& s) { return Parsed(Email(), s); }},
      {"hostname", [](bool, ExpressionStore& s) { return Parsed(kHostname, s); }},
      {"ipv4", [](bool, ExpressionStore& s) { return Parsed(kIpv4, s); }},
      {"ipv6", [](bool, ExpressionStore& s) { return Parsed(Ipv6(), s); }},
      {"uuid", [](bool, ExpressionStore& s) { return Parsed(kUuid, s); }},
      {"uri", [](bool, ExpressionStore& s) { return Parsed(Uri(false), s); }},
      {"uri-reference", [](bool, ExpressionStore& s) { return Parsed(Uri(true), s); }},
      {"json-pointer", [](bool, ExpressionStore& s) { return Parsed(kPointer, s); }},
      {"relative-json-pointer",
       [](bool, ExpressionStore& s) {
         return Parsed("(?:0|[1-9][0-9]*)(?:#|" + kPointer + ")", s);
       }},
  };
  for (Format& format : table) {
    if (format.name() == name) return &format;
  }
  return nullptr;
}

}  // namespace

std::optional<ExprId> FormatLanguage(std::string_view name, bool narrowed, ExpressionStore& store) {
  Format* format = Find(name);
  if (format == nullptr) return std::nullopt;
  return format->Copy(narrowed, store);
}

}  // namespace hearth::grammar
