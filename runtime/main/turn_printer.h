// TurnPrinter: shows an agent's turn to a person: text as it is written, each tool call with its
// result.
#pragma once

#include <memory>
#include <string>

#include "runtime/agent/event.h"
#include "runtime/base/clock.h"
#include "runtime/base/progress.h"

namespace hearth::main {

// Writes the turn to stdout; progress, and nothing else, to stderr.
class TurnPrinter {
 public:
  explicit TurnPrinter(const Clock& clock);
  void operator()(const agent::Event& event);

 private:
  // Begins a line of its own where text is being written.
  void EndLine();

  const Clock& clock_;
  const bool color_;
  std::unique_ptr<Progress> reading_;
  bool in_line_ = false;
  bool in_reasoning_ = false;
};

}  // namespace hearth::main
