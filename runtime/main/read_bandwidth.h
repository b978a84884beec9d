// ReadBandwidth: how fast this machine reads its memory, the limit of decoding.
#pragma once

#include <sched.h>

namespace hearth::main {

// The processors that the calling thread may use. A thread that is pinned later hands its pin on to
// the threads that it starts.
struct Processors {
  cpu_set_t set;
  Processors();
};

// Bytes per second that `threads` threads read together, each a share of 512 MiB: the best of ten
// rounds, 0 where there is no memory for it. Blocks for about a second.
double ReadBandwidth(int threads, const Processors& processors);

}  // namespace hearth::main
