// What several files of this room write to and read from rows.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "memory/store.h"
#include "runtime/base/clock.h"
#include "runtime/base/core/result.h"
#include "runtime/base/json.h"

namespace hearth::memory {

// Instants are kept as microseconds since 1970, UTC.
inline int64_t ToColumn(TimePoint time) { return time.time_since_epoch().count(); }
inline TimePoint ToTime(const SQLite::Column& column) {
  return TimePoint(std::chrono::microseconds(column.getInt64()));
}

// The error for a row that holds what this program never writes.
inline Error DamagedRow(const Store& store, std::string_view what) {
  return MakeError(ErrorCode::kIo, store.path(), ": the database is damaged: ", what);
}

// The id of the repository's row, which is made where there is none. Inside Transact.
int64_t EnsureRepository(Store& store, const std::string& name);

}  // namespace hearth::memory
