// The database's schema, as the list of steps that lead to it.
#pragma once

#include <span>
#include <string>

#include "runtime/base/core/result.h"

namespace SQLite {
class Database;
}

namespace hearth::memory {

// "Hrth": what tells our files from other programs' databases (PRAGMA application_id).
inline constexpr int kApplicationId = 0x48727468;

// Migration i brings a file from user_version i to i + 1. One that was ever released never changes.
std::span<const char* const> Migrations();

// Refuses, without writing, a database that is another program's or newer than this program.
Status CheckOrigin(SQLite::Database& database, const std::string& path);

// Runs the missing migrations, each in a transaction of its own; safe against other processes that
// do the same at the same time. May throw SQLite::Exception.
void Migrate(SQLite::Database& database);

}  // namespace hearth::memory
