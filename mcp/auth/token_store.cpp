#include "mcp/token_store.h"

#include "mcp/client/private_file.h"
#include "runtime/base/json.h"

namespace hearth::mcp {
namespace {

std::string TextOf(const Json* object, const char* name) {
  const Json* value = object == nullptr ? nullptr : FindMember(*object, name);
  return value != nullptr && value->is_string() ? value->get<std::string>() : std::string();
}

Json Write(const Credentials& credentials) {
  return {{"client",
           {{"id", credentials.client.id},
            {"secret", credentials.client.secret},
            {"auth_method", credentials.client.auth_method},
            {"redirect_uri", credentials.client.redirect_uri}}},
          {"tokens",
           {{"access", credentials.tokens.access},
            {"refresh", credentials.tokens.refresh},
            {"scope", credentials.tokens.scope}}}};
}

Credentials Read(const std::string& issuer, const Json& entry) {
  const Json* client = FindMember(entry, "client");
  const Json* tokens = FindMember(entry, "tokens");
  return {.issuer = issuer,
          .client = {.id = TextOf(client, "id"),
                     .secret = TextOf(client, "secret"),
                     .auth_method = TextOf(client, "auth_method"),
                     .redirect_uri = TextOf(client, "redirect_uri")},
          .tokens = {.access = TextOf(tokens, "access"),
                     .refresh = TextOf(tokens, "refresh"),
                     .scope = TextOf(tokens, "scope")}};
}

}  // namespace

Result<TokenStore::Entries> TokenStore::Load() const {
  if (path_.empty()) return memory_;
  HEARTH_TRY(const std::string text, ReadPrivateFile(path_));
  Entries entries;
  if (text.empty()) return entries;
  const auto file = ParseJson(text);
  if (!file.ok() || !file->is_object()) {
    return MakeError(ErrorCode::kInvalidArgument, path_.string(),
                     " is damaged; delete it to log in anew");
  }
  for (const auto& [server, entry] : file->items()) {
    entries[server].current = TextOf(&entry, "current");
    const Json* issuers = FindMember(entry, "issuers");
    if (issuers == nullptr || !issuers->is_object()) continue;
    for (const auto& [issuer, credentials] : issuers->items()) {
      entries[server].issuers[issuer] = Read(issuer, credentials);
    }
  }
  return entries;
}

Status TokenStore::Store(const Entries& entries) {
  if (path_.empty()) {
    memory_ = entries;
    return {};
  }
  Json file = Json::object();
  for (const auto& [server, entry] : entries) {
    Json issuers = Json::object();
    for (const auto& [issuer, credentials] : entry.issuers) issuers[issuer] = Write(credentials);
    file[server] = {{"current", entry.current}, {"issuers", std::move(issuers)}};
  }
  return WritePrivateFile(path_, DumpJson(file, 2) + "\n");
}

Result<std::optional<Credentials>> TokenStore::Current(const std::string& server) {
  const std::lock_guard lock(mutex_);
  HEARTH_TRY(const Entries entries, Load());
  const auto entry = entries.find(server);
  if (entry == entries.end()) return std::optional<Credentials>();
  const auto found = entry->second.issuers.find(entry->second.current);
  if (found == entry->second.issuers.end()) return std::optional<Credentials>();
  return std::optional(found->second);
}

Result<std::optional<Credentials>> TokenStore::Find(const std::string& server,
                                                    const std::string& issuer) {
  const std::lock_guard lock(mutex_);
  HEARTH_TRY(const Entries entries, Load());
  const auto entry = entries.find(server);
  if (entry == entries.end()) return std::optional<Credentials>();
  const auto found = entry->second.issuers.find(issuer);
  if (found == entry->second.issuers.end()) return std::optional<Credentials>();
  return std::optional(found->second);
}

Status TokenStore::Save(const std::string& server, const Credentials& credentials) {
  const std::lock_guard lock(mutex_);
  const auto change = [&]() -> Status {
    HEARTH_TRY(Entries entries, Load());
    entries[server].current = credentials.issuer;
    entries[server].issuers[credentials.issuer] = credentials;
    return Store(entries);
  };
  return path_.empty() ? change() : WithFileLocked(path_, change);
}

Result<bool> TokenStore::Forget(const std::string& server) {
  const std::lock_guard lock(mutex_);
  bool was_there = false;
  const auto change = [&]() -> Status {
    HEARTH_TRY(Entries entries, Load());
    was_there = entries.erase(server) > 0;
    return was_there ? Store(entries) : Status();
  };
  HEARTH_CHECK_OK(path_.empty() ? change() : WithFileLocked(path_, change));
  return was_there;
}

}  // namespace hearth::mcp
