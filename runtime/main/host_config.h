// HostConfig: entries for MCP servers in the settings files of hosts (Claude Desktop, Cursor,
// VS Code).
//
// A file is changed as little as possible: our entry is put in or replaced, everything else keeps
// its value and its order. Comments, which VS Code allows, would be lost: such a file is refused,
// and what to put in is said instead.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/core/result.h"
#include "runtime/base/json.h"
#include "runtime/base/paths.h"

namespace hearth::main {

enum class Host { kClaude, kCursor, kVsCode };

// "claude", "cursor", "vscode"; an unknown name is kInvalidArgument.
Result<Host> ParseHost(std::string_view name);

// Where the host keeps its settings here (after HOME, XDG_CONFIG_HOME; on macOS in ~/Library).
Result<std::filesystem::path> HostConfigPath(Host host, const Environment& environment = ::getenv);

// The entry for a server that a host starts.
Json ServerEntry(Host host, const std::string& command, const std::vector<std::string>& arguments);

// The settings with the entry in them. `text` is the file's content, empty where there is no file.
// Errors: no JSON object, members of another type than the host has them.
Result<std::string> WithEntry(Host host, std::string_view text, const std::string& name,
                              const Json& entry);

// Writes the file as a whole or not at all, and keeps what it was beside it as FILE.hearth-backup.
// Missing folders are made; a symbolic link stays one.
Status ReplaceFile(const std::filesystem::path& path, std::string_view content);

}  // namespace hearth::main
