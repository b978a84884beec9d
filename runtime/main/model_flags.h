// The command-line flags that say which model runs, and how: shared by all commands that load one.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "model/kv_type.h"
#include "model/model.h"
#include "runtime/base/core/result.h"

namespace hearth::main {

struct ModelFlags {
  std::string model;  // a path or a name; empty: the default model
  int threads = 0;
  model::BackendKind backend = model::BackendKind::kCpu;
  model::KvType kv_type = model::KvType::kF16;
};

void AddModelFlags(CLI::App& command, ModelFlags& flags);
// The file that the flags mean under the settings, for commands that need nothing else of them.
Result<std::string> FindModelFile(const ModelFlags& flags);

}  // namespace hearth::main
