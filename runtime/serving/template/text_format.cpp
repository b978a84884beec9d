#include "runtime/serving/template/text_format.h"

#include <cmath>
#include <cstdio>
#include <utility>

#include "runtime/serving/template/runtime.h"
#include "runtime/serving/template/text_operations.h"

namespace hearth::serving {
namespace {

constexpr int64_t kMaxWidth = 10000;

// How one value is to look: [[fill]align][0][width][.precision][type].
struct Spec {
  TracedString fill = TracedString(" ", Origin::kData);
  char align = '\0';
  int64_t width = 0;
  int64_t precision = -1;
  char type = '\0';
};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

Result<int64_t> TakeNumber(std::string_view& text) {
  int64_t number = 0;
  while (!text.empty() && IsDigit(text[0])) {
    number = number * 10 + (text[0] - '0');
    if (number > kMaxWidth) return TemplateError("format: a width of more than ", kMaxWidth);
    text.remove_prefix(1);
  }
  return number;
}

Result<Spec> ParseSpec(std::string_view text) {
  Spec spec;
  const auto is_align = [&](size_t i) {
    return i < text.size() && std::string_view("<>^").find(text[i]) != std::string_view::npos;
  };
  if (is_align(1)) {
    spec.fill = TracedString(text.substr(0, 1), Origin::kData);
    text.remove_prefix(1);
  }
  if (is_align(0)) {
    spec.align = text[0];
    text.remove_prefix(1);
  }
  if (text.starts_with('0') && spec.align == '\0') {
    spec.fill = TracedString("0", Origin::kData);
    spec.align = '>';
  }
  HEARTH_TRY(spec.width, TakeNumber(text));
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    HEARTH_TRY(spec.precision, TakeNumber(text));
  }
  if (!text.empty()) {
    spec.type = text[0];
    text.remove_prefix(1);
  }
  if (!text.empty()) return TemplateError("format: '", text, "' is not understood");
  return spec;
}

Result<TracedString> NumberText(const Value& value, const Spec& spec) {
  char buffer[400];
  if (spec.type == 'f' || spec.type == 'e' || spec.type == 'g') {
    const auto number = value.AsNumber();
    if (!number) return TemplateError("format: a number is expected, not ", TypeName(value));
    const char pattern[] = {'%', '.', '*', spec.type, '\0'};
    const int precision =
        static_cast<int>(std::min<int64_t>(spec.precision < 0 ? 6 : spec.precision, 40));
    std::snprintf(buffer, sizeof(buffer), pattern, precision, *number);
    return TracedString(buffer, Origin::kData);
  }
  const double* const real = value.AsFloat();
  const bool fits = real != nullptr && std::abs(*real) < 9e18;
  const auto number =
      fits ? std::optional<int64_t>(static_cast<int64_t>(*real)) : value.AsInteger();
  if (!number) return TemplateError("format: an integer is expected, not ", TypeName(value));
  const bool negative = *number < 0;
  const auto magnitude =
      negative ? ~static_cast<uint64_t>(*number) + 1 : static_cast<uint64_t>(*number);
  const char* const pattern = spec.type == 'x'   ? "%s%lx"
                              : spec.type == 'X' ? "%s%lX"
                              : spec.type == 'o' ? "%s%lo"
                                                 : "%s%lu";
  std::snprintf(buffer, sizeof(buffer), pattern, negative ? "-" : "", magnitude);
  return TracedString(buffer, Origin::kData);
}

Status AppendFormatted(Runtime& runtime, const Value& value, const Spec& spec, TracedString& out) {
  TracedString text;
  if (spec.type == 'r' || spec.type == 'a') {
    HEARTH_CHECK_OK(AppendRepr(value, runtime.budget(), text));
  } else if (spec.type == '\0' || spec.type == 's') {
    HEARTH_TRY(const StringPtr shown, ToText(value, runtime.budget()));
    text = *shown;
    if (spec.precision >= 0) {
      HEARTH_TRY(text, SliceText(*shown, 0, spec.precision, 1, runtime.budget()));
    }
  } else if (std::string_view("dixXofeg").find(spec.type) != std::string_view::npos) {
    HEARTH_TRY(text, NumberText(value, spec));
  } else {
    return TemplateError("format: the conversion '", std::string(1, spec.type), "' is not known");
  }
  const bool is_number = value.AsNumber().has_value();
  const char align = spec.align != '\0' ? spec.align : is_number ? '>' : '<';
  HEARTH_TRY(const TracedString padded,
             PadText(text, spec.width, spec.fill, align != '<', align != '>', runtime.budget()));
  out.Append(padded);
  return runtime.budget().SpendString(
      out.size() > runtime.budget().limits().max_output_bytes ? out.size() : padded.size());
}

// Gives the values for conversions one by one.
class PercentValues {
 public:
  explicit PercentValues(const Value& values) : values_(values) {
    const List* const list = values.AsList();
    tuple_ = list != nullptr && list->is_tuple ? list : nullptr;
  }

  Result<Value> Next() {
    const size_t count = tuple_ != nullptr ? tuple_->items.size() : 1;
    if (used_ == count) return TemplateError("format: there are fewer values than the text wants");
    ++used_;
    return tuple_ != nullptr ? tuple_->items[used_ - 1] : values_;
  }

  Result<Value> Named(std::string_view name) {
    Dict* const dict = values_.AsDict();
    const Value* const found = dict == nullptr ? nullptr : dict->FindName(name);
    if (found == nullptr) return TemplateError("format: there is no value '", name, "'");
    used_ = 1;
    return *found;
  }

  Status CheckUsed() const {
    if (tuple_ != nullptr ? used_ == tuple_->items.size()
                          : used_ == 1 || values_.AsDict() != nullptr)
      return {};
    return TemplateError("format: there are more values than the text wants");
  }

 private:
  const Value& values_;
  const List* tuple_ = nullptr;
  size_t used_ = 0;
};

// A value by a field's name: "" for the next, "0" by place, or a name.
Result<Value> FieldValue(std::string_view name, const Arguments& arguments, size_t& next) {
  const bool by_place = name.empty() || IsDigit(name[0]);
  if (by_place) {
    size_t index = next;
    if (name.empty()) {
      ++next;
    } else {
      HEARTH_TRY(const int64_t number, TakeNumber(name));
      index = static_cast<size_t>(number);
    }
    if (index >= arguments.positional.size())
      return TemplateError("format: there is no value number ", index);
    return arguments.positional[index];
  }
  for (const auto& [candidate, value] : arguments.named) {
    if (candidate == name) return value;
  }
  return TemplateError("format: there is no value '", name, "'");
}

}  // namespace

Result<Value> FormatPercent(Runtime& runtime, const TracedString& text, const Value& values) {
  PercentValues source(values);
  TracedString out;
  size_t plain = 0;
  for (size_t at = text.view().find('%'); at != std::string_view::npos;
       at = text.view().find('%', plain)) {
    out.Append(text, plain, at);
    std::string_view rest = text.view().substr(at + 1);
    if (rest.starts_with('%')) {
      out.Append(text, at, at + 1);
      plain = at + 2;
      continue;
    }
    std::optional<std::string_view> name;
    if (rest.starts_with('(')) {
      const size_t close = rest.find(')');
      if (close == std::string_view::npos) return TemplateError("format: '%(' is not closed");
      name = rest.substr(1, close - 1);
      rest.remove_prefix(close + 1);
    }
    const size_t type = rest.find_first_not_of("-0123456789.");
    if (type == std::string_view::npos)
      return TemplateError("format: '%' is followed by no conversion");
    std::string layout(rest.substr(0, type + 1));
    layout.insert(0, layout[0] == '-' ? "" : layout[0] == '0' ? "" : ">");
    if (layout[0] == '-') layout[0] = '<';
    HEARTH_TRY(const Spec spec, ParseSpec(layout));
    HEARTH_TRY(const Value value, name ? source.Named(*name) : source.Next());
    HEARTH_CHECK_OK(AppendFormatted(runtime, value, spec, out));
    plain = text.size() - rest.size() + type + 1;
  }
  HEARTH_CHECK_OK(source.CheckUsed());
  out.Append(text, plain, text.size());
  return Value(std::move(out));
}

Result<Value> FormatBraces(Runtime& runtime, const TracedString& text, const Arguments& arguments) {
  TracedString out;
  size_t plain = 0, next = 0;
  for (size_t at = text.view().find_first_of("{}"); at != std::string_view::npos;
       at = text.view().find_first_of("{}", plain)) {
    out.Append(text, plain, at);
    if (text.view().substr(at, 2) == "{{" || text.view().substr(at, 2) == "}}") {
      out.Append(text, at, at + 1);
      plain = at + 2;
      continue;
    }
    const size_t close = text.view().find('}', at);
    if (text.view()[at] == '}' || close == std::string_view::npos)
      return TemplateError("format: a single brace");
    std::string_view field = text.view().substr(at + 1, close - at - 1);
    std::string_view layout;
    if (const size_t colon = field.find(':'); colon != std::string_view::npos) {
      layout = field.substr(colon + 1);
      field = field.substr(0, colon);
    }
    HEARTH_TRY(Spec spec, ParseSpec(layout));
    if (field.ends_with("!r")) spec.type = 'r';
    if (field.ends_with("!r") || field.ends_with("!s")) field.remove_suffix(2);
    HEARTH_TRY(const Value value, FieldValue(field, arguments, next));
    HEARTH_CHECK_OK(AppendFormatted(runtime, value, spec, out));
    plain = close + 1;
  }
  out.Append(text, plain, text.size());
  return Value(std::move(out));
}

}  // namespace hearth::serving
