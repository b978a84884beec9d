// Report: what a run measured, as a table for people and as JSON for machines.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace hearth::bench {

class Report {
 public:
  // Facts about the run: "model", "device", ...
  void Say(std::string key, std::string value);
  void Say(std::string key, double value);
  // A measured number. `limit` is what it could be at most (0: not known), in the same unit.
  struct Row {
    std::string name;  // "decode"
    std::string unit;  // "tokens/s"
    double value = 0;  // 0: could not be told
    double limit = 0;
    bool lower_is_better = false;
  };
  void Add(Row row);

  std::string Table() const;
  // One object: the facts, and `rows` with name, unit, value and, where it is known, limit and
  // share (1: at the limit). A value that could not be told is null.
  std::string Json() const;

 private:
  std::vector<std::pair<std::string, std::string>> facts_;  // the value as JSON
  std::vector<Row> rows_;
};

}  // namespace hearth::bench
