#include "runtime/main/host_config.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <system_error>

#include "runtime/base/text.h"

namespace hearth::main {
namespace {

namespace fs = std::filesystem;

// The member of the settings that holds the servers.
const char* ServersMember(Host host) { return host == Host::kVsCode ? "servers" : "mcpServers"; }

bool IsAbsolute(const char* value) { return value != nullptr && value[0] == '/'; }

Error Refuse(const fs::path& path, const char* what) {
  return MakeError(ErrorCode::kIo, path.string(), ": ", what, ": ", std::strerror(errno));
}

// Writes a file beside its place and flushes it to disk.
Status WriteWhole(const fs::path& path, std::string_view content, mode_t mode) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
  if (file < 0) return Refuse(path, "cannot be written");
  ::fchmod(file, mode);
  while (!content.empty()) {
    const ssize_t count = ::write(file, content.data(), content.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      const Error error = Refuse(path, "cannot be written");
      ::close(file);
      ::unlink(path.c_str());
      return error;
    }
    content.remove_prefix(static_cast<size_t>(count));
  }
  const bool synced = ::fsync(file) == 0;
  ::close(file);
  return synced ? Status() : Refuse(path, "cannot be written to disk");
}

}  // namespace

Result<Host> ParseHost(std::string_view name) {
  if (name == "claude") return Host::kClaude;
  if (name == "cursor") return Host::kCursor;
  if (name == "vscode") return Host::kVsCode;
  return MakeError(ErrorCode::kInvalidArgument, "there is no host '", Clip(OneLine(name), 40),
                   "'; the hosts are claude, cursor and vscode");
}

Result<fs::path> HostConfigPath(Host host, const Environment& environment) {
  const char* home = environment("HOME");
  if (!IsAbsolute(home)) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "HOME is not set to an absolute path; name the settings file with --file");
  }
  if (host == Host::kCursor) return fs::path(home) / ".cursor" / "mcp.json";
#ifdef __APPLE__
  const fs::path folder = fs::path(home) / "Library" / "Application Support";
#else
  const char* config = environment("XDG_CONFIG_HOME");
  const fs::path folder = IsAbsolute(config) ? fs::path(config) : fs::path(home) / ".config";
#endif
  if (host == Host::kClaude) return folder / "Claude" / "claude_desktop_config.json";
  return folder / "Code" / "User" / "mcp.json";
}

Json ServerEntry(Host host, const std::string& command, const std::vector<std::string>& arguments) {
  Json entry = Json::object();
  if (host == Host::kVsCode) entry["type"] = "stdio";
  entry["command"] = command;
  entry["args"] = arguments;
  return entry;
}

Result<std::string> WithEntry(Host host, std::string_view text, const std::string& name,
                              const Json& entry) {
  Json settings = Json::object();
  if (text.find_first_not_of(" \t\r\n") != std::string_view::npos) {
    auto parsed = ParseJson(text);
    if (!parsed.ok()) {
      return MakeError(ErrorCode::kInvalidArgument, "it is no plain JSON (", parsed.error().message,
                       "); nothing was changed. Put this into \"", ServersMember(host),
                       "\" yourself: \"", name, "\": ", DumpJson(entry));
    }
    settings = *std::move(parsed);
  }
  if (!settings.is_object()) {
    return MakeError(ErrorCode::kInvalidArgument, "it is no JSON object; nothing was changed");
  }
  Json& servers = settings[ServersMember(host)];
  if (servers.is_null()) servers = Json::object();
  if (!servers.is_object()) {
    return MakeError(ErrorCode::kInvalidArgument, "its member \"", ServersMember(host),
                     "\" is no object; nothing was changed");
  }
  // What the user has added to our entry (env, for example) stays.
  Json& ours = servers[name];
  if (!ours.is_object()) ours = Json::object();
  for (const auto& [key, value] : entry.items()) ours[key] = value;
  return DumpJson(settings, 2) + "\n";
}

Status ReplaceFile(const fs::path& path, std::string_view content) {
  std::error_code error;
  fs::path target = path;
  if (fs::is_symlink(path, error)) {
    target = fs::canonical(path, error);
    if (error) {
      return MakeError(ErrorCode::kIo, path.string(), " is a link that leads nowhere");
    }
  }
  if (!target.parent_path().empty()) fs::create_directories(target.parent_path(), error);
  if (error) {
    return MakeError(ErrorCode::kIo, target.parent_path().string(),
                     ": cannot be made: ", error.message());
  }
  mode_t mode = 0600;
  struct stat info = {};
  if (::stat(target.c_str(), &info) == 0) {
    std::ifstream in(target, std::ios::binary);
    const std::string old{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    if (in.good() && old == content) return {};  // and an earlier backup stays what it is
    mode = info.st_mode & 07777;
    fs::path backup = target;
    backup += ".hearth-backup";
    fs::copy_file(target, backup, fs::copy_options::overwrite_existing, error);
    if (error) {
      return MakeError(ErrorCode::kIo, backup.string(), ": cannot be written: ", error.message());
    }
  }
  fs::path fresh = target;
  fresh += ".hearth-new";
  HEARTH_CHECK_OK(WriteWhole(fresh, content, mode));
  if (::rename(fresh.c_str(), target.c_str()) != 0) {
    const Error failure = Refuse(target, "cannot be replaced");
    ::unlink(fresh.c_str());
    return failure;
  }
  return {};
}

}  // namespace hearth::main
