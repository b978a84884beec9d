// Store: the one SQLite file in which hearth keeps tasks and sessions, and its transactions.
//
// Thread-safe: one transaction at a time runs on a store, other threads wait. Any number of
// processes may have the same file open; a writer waits for another for up to the busy timeout. A
// committed transaction survives kill -9 and power loss (WAL, synchronous=FULL). No exception
// leaves this room: what SQLite refuses comes back as an Error that names the file and what to do.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "runtime/base/clock.h"
#include "runtime/base/core/result.h"

namespace SQLite {
class Database;
}

namespace hearth::memory {

struct StoreOptions {
  std::chrono::milliseconds busy_timeout{5000};
  uint64_t max_bytes = 0;  // the file grows no further; 0 for no limit
};

class Store {
 public:
  // Opens the file, or makes it (mode 0600, missing directories 0700), and brings its schema up to
  // date.
  // ":memory:" gives a store that lives as long as the object. Refused, with nothing changed: a
  // file that is no database, that is another program's, or whose schema is newer than this
  // program. The clock stamps rows and must outlive the store.
  static Result<std::unique_ptr<Store>> Open(const std::filesystem::path& path, const Clock& clock,
                                             const StoreOptions& options = {});
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // Runs `body`, which returns a Status or a Result<T>, as one transaction: committed where it
  // returns a value, undone where it returns an Error or throws. A Transact inside another joins
  // it: an inner failure undoes the inner part alone, and nothing is on disk before the outermost
  // commits. So a tool's effect and the record of its result become one transaction by wrapping
  // both. `body` should take milliseconds: every other writer waits.
  template <typename Body>
  std::invoke_result_t<Body&> Transact(Body body) {
    return RunAs(Mode::kWrite, std::move(body));
  }
  // The same for reading alone: one consistent view, and no writer waits.
  template <typename Body>
  std::invoke_result_t<Body&> Read(Body body) {
    return RunAs(Mode::kRead, std::move(body));
  }

  // A number that differs from the last one where anything in the file may have changed since, by
  // this process or another: what was read before is then to be read again. Costs a microsecond or
  // two.
  Result<uint64_t> Version();

  // SQLite's own check of the whole file; takes seconds for large ones.
  Status CheckIntegrity();

  const Clock& clock() const;
  const std::string& path() const;
  // For the files of this room, and only inside Transact or Read.
  SQLite::Database& database();

 private:
  enum class Mode { kRead, kWrite };
  struct State;
  explicit Store(std::unique_ptr<State> state);

  template <typename Body>
  std::invoke_result_t<Body&> RunAs(Mode mode, Body body) {
    std::optional<std::invoke_result_t<Body&>> result;
    const Status status = Run(mode, [&]() -> Status {
      result.emplace(body());
      if (!result->ok()) return result->error();
      return {};
    });
    if (!status.ok()) return status.error();
    return std::move(*result);
  }
  Status Run(Mode mode, const std::function<Status()>& body);
  Status RunOutermost(Mode mode, const std::function<Status()>& body);
  Status RunNested(Mode mode, const std::function<Status()>& body);

  std::unique_ptr<State> state_;
};

}  // namespace hearth::memory
