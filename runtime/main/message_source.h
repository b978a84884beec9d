// MessageSource: what the user says to `hearth run`: on the command line, through a pipe (all of it
// is one message), or on a terminal, a line at a time.
#pragma once

#include <optional>
#include <stop_token>
#include <string>

#include "runtime/base/core/result.h"

namespace hearth::main {

class MessageSource {
 public:
  // Reads a pipe to its end. `given` is the command line's message; empty where there is none.
  MessageSource(std::string given, std::stop_token stop);

  // An error where the one message there is is blank or not UTF-8: known before a model is loaded
  // for it.
  Status Check() const;
  // The next message; blank lines of a terminal, and those that are not UTF-8, are passed over.
  // None at the end, and as soon as a stop is requested.
  std::optional<std::string> Next();

 private:
  std::optional<std::string> ReadLine();

  const bool interactive_;
  const std::stop_token stop_;
  std::optional<std::string> only_;  // where the source is no terminal: until it is taken
  std::string typed_;                // read from the terminal and not yet taken
};

}  // namespace hearth::main
