#include "tests/bench/model_bench/report.h"

#include <algorithm>
#include <cstdio>

namespace hearth::bench {
namespace {

std::string Quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return out + '"';
}

std::string Number(double value, const char* format = "%.6g") {
  char text[40];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

double Share(const Report::Row& row) {
  return row.lower_is_better ? row.limit / row.value : row.value / row.limit;
}

// 3.9e12 as "3.90 T".
std::string Scaled(double value) {
  const char* const prefixes[] = {"", " k", " M", " G", " T", " P"};
  size_t at = 0;
  while (value >= 1e4 && at + 1 < std::size(prefixes)) {
    value /= 1000;
    ++at;
  }
  return Number(value, value < 10 ? "%.2f" : "%.1f") + prefixes[at];
}

}  // namespace

void Report::Say(std::string key, std::string value) {
  facts_.emplace_back(std::move(key), Quoted(value));
}
void Report::Say(std::string key, double value) {
  facts_.emplace_back(std::move(key), Number(value));
}
void Report::Add(Row row) { rows_.push_back(std::move(row)); }

std::string Report::Table() const {
  std::string out;
  for (const auto& [key, value] : facts_) out += key + ": " + value + "\n";
  size_t widest = 0;
  for (const Row& row : rows_) widest = std::max(widest, row.name.size());
  for (const Row& row : rows_) {
    out += "  " + row.name + std::string(widest - row.name.size() + 2, ' ');
    if (row.value == 0) {
      out += "too small a difference\n";
      continue;
    }
    out += Scaled(row.value) + (Scaled(row.value).back() < 'A' ? " " : "") + row.unit;
    if (row.limit > 0) {
      out += "  (" + Number(100 * Share(row), "%.0f") + " % of " + Scaled(row.limit) + ")";
    }
    out += "\n";
  }
  return out;
}

std::string Report::Json() const {
  std::string out = "{";
  for (const auto& [key, value] : facts_) out += Quoted(key) + ": " + value + ", ";
  out += "\"rows\": [";
  for (const Row& row : rows_) {
    out += (&row == rows_.data() ? "\n  {" : ",\n  {");
    out += "\"name\": " + Quoted(row.name) + ", \"unit\": " + Quoted(row.unit) +
           ", \"value\": " + (row.value == 0 ? "null" : Number(row.value));
    if (row.limit > 0 && row.value != 0) {
      out += ", \"limit\": " + Number(row.limit) + ", \"share\": " + Number(Share(row));
    }
    out += "}";
  }
  return out + "]}\n";
}

}  // namespace hearth::bench
