// HandleInspectRequest: the conformance and speed check of the grammar engine, one JSON request a
// line.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "grammars/vocabulary.h"

namespace hearth::grammar {

// Compiles the request's schema, runs its instances byte by byte and, where they carry token ids
// and a vocabulary is there, token by token with a mask at each; gives the reply line (no line
// break) with verdicts and times in microseconds. A request that cannot be served gets {"error":
// …}. Times are the smaller of wall time and this thread's CPU time, so that neighbours on the
// machine do not count.
std::string HandleInspectRequest(std::string_view line,
                                 const std::shared_ptr<const Vocabulary>& vocabulary);

}  // namespace hearth::grammar
