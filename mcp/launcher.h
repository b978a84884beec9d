// Launcher: how MCP servers that are programs are started. A sandbox can take the place of the
// usual one.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "runtime/base/core/result.h"

namespace hearth::mcp {

struct LaunchSpec {
  std::string command;  // a path, or a name that is looked up in PATH
  std::vector<std::string> arguments;
  std::vector<std::pair<std::string, std::string>> environment;  // on top of ours
  std::string directory;                                         // to start in; ours where empty
};

// A running program with pipes to its standard streams. Owned by whoever started it; its
// destruction ends it.
class Child {
 public:
  virtual ~Child() = default;
  virtual int in() const = 0;   // its stdin, to write to
  virtual int out() const = 0;  // its stdout, to read from
  // What it said last on stderr, a few kB of it.
  virtual std::string last_words() const = 0;
  // Closes its stdin, waits, then SIGTERM, then SIGKILL, to it and all that it has started; it is
  // reaped. Returns how it ended, in words.
  virtual std::string End(std::chrono::milliseconds patience) = 0;
};

// Thread-safe.
class Launcher {
 public:
  virtual ~Launcher() = default;
  // kNotFound names where the command was looked for.
  virtual Result<std::unique_ptr<Child>> Start(const LaunchSpec& spec) = 0;
};

// Starts programs with our rights, each in a process group of its own. They end with us, and with
// the launcher.
class PlainLauncher : public Launcher {
 public:
  PlainLauncher();
  ~PlainLauncher() override;
  Result<std::unique_ptr<Child>> Start(const LaunchSpec& spec) override;

 private:
  struct State;
  const std::unique_ptr<State> state_;
};

}  // namespace hearth::mcp
