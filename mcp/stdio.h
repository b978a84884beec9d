// ServeStdio: a Server on a pair of file descriptors, one JSON-RPC message a line.
//
// One thread reads, answers and writes; there are others only while calls run that take long. All
// lines that one read brings are answered by one write. Nothing but messages is ever written.
#pragma once

#include <chrono>

#include "mcp/server.h"

namespace hearth::mcp {

struct StdioOptions {
  int in = 0;
  int out = 1;
  // When the host has closed its end, running calls are asked to stop and get this long.
  std::chrono::milliseconds grace{1000};
  // How often somebody who watches resources is told what other processes have changed.
  std::chrono::milliseconds look_every{1000};
  // Answers that the host does not take are kept up to this size; then nothing more is read.
  size_t max_pending_bytes = size_t{8} << 20;
};

// Serves until the host closes its end or takes no more; true where every answer got out. The
// descriptors stay open.
bool ServeStdio(Server& server, const StdioOptions& options = {});

// Keeps stdout for messages: gives a descriptor of its own to it and lets everything that prints
// print to stderr. Call it first.
int TakeStdout();

// Ends the process when its host dies or asks it to end: SIGTERM, SIGINT and SIGHUP exit with
// status 0 at once, which the store survives, and so does the host's death (Linux).
void EndWithHost();

}  // namespace hearth::mcp
