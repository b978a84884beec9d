// run_agent: a whole turn of the task assistant as one MCP tool, with progress, cancellable.
//
// The local model answers where there is one; it is loaded by the first call. Where there is none,
// the host's model does (sampling), if the host allows it.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "mcp/server.h"
#include "memory/store.h"
#include "runtime/main/settings.h"
#include "runtime/serving/language_model.h"
#include "tools/toolset.h"

namespace hearth::main {

// Gives the local model; kNotFound where there is none.
using ModelSource = std::function<Result<std::shared_ptr<serving::LanguageModel>>()>;

// Offers run_agent. What it is given must outlive the server.
Status AddAgentTool(mcp::Server& server, const tools::Toolset& tools, memory::Store& store,
                    const std::string& repository, ModelSource models);

// Loads the default model of the settings when it is first asked for, and keeps it. The clock must
// outlive it.
ModelSource LoadOnDemand(const Settings& settings, const Clock& clock);

}  // namespace hearth::main
