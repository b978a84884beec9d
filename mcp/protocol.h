// The protocol's words: revisions, error codes, names of metadata.
//
// After the Model Context Protocol. Its revisions fall into two eras: "legacy" (2024-11-05 to
// 2025-11-25) opens a session with initialize; "modern" (2026-07-28) has none, and every request
// says itself which revision it speaks and what its client can do.
#pragma once

#include <array>
#include <string_view>

namespace hearth::mcp {

enum class Era { kLegacy, kModern };

inline constexpr std::string_view kModernRevision = "2026-07-28";
inline constexpr std::string_view kLastLegacyRevision = "2025-11-25";
inline constexpr std::string_view kBatchRevision = "2025-03-26";
inline constexpr std::array<std::string_view, 4> kLegacyRevisions = {"2025-11-25", "2025-06-18",
                                                                     "2025-03-26", "2024-11-05"};

constexpr bool IsLegacyRevision(std::string_view revision) {
  for (const std::string_view known : kLegacyRevisions) {
    if (revision == known) return true;
  }
  return false;
}

namespace code {
inline constexpr int kParseError = -32700;
inline constexpr int kInvalidRequest = -32600;
inline constexpr int kMethodNotFound = -32601;
inline constexpr int kInvalidParams = -32602;
inline constexpr int kInternalError = -32603;
inline constexpr int kResourceNotFound = -32002;  // legacy alone
inline constexpr int kHeaderMismatch = -32020;
inline constexpr int kMissingCapability = -32021;
inline constexpr int kUnsupportedVersion = -32022;
}  // namespace code

namespace meta {
inline constexpr std::string_view kVersion = "io.modelcontextprotocol/protocolVersion";
inline constexpr std::string_view kClientInfo = "io.modelcontextprotocol/clientInfo";
inline constexpr std::string_view kCapabilities = "io.modelcontextprotocol/clientCapabilities";
inline constexpr std::string_view kLogLevel = "io.modelcontextprotocol/logLevel";
inline constexpr std::string_view kServerInfo = "io.modelcontextprotocol/serverInfo";
inline constexpr std::string_view kSubscription = "io.modelcontextprotocol/subscriptionId";
}  // namespace meta

inline constexpr std::string_view kTasksExtension = "io.modelcontextprotocol/tasks";
inline constexpr std::string_view kUiExtension = "io.modelcontextprotocol/ui";

}  // namespace hearth::mcp
