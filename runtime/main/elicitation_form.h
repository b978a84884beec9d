// ElicitationForm: a server's questions, asked one field a line.
#pragma once

#include <istream>
#include <ostream>
#include <string>

#include "runtime/base/json.h"

namespace hearth::main {

// Asks for each field of params.requestedSchema until the answer fits it; the result is an
// ElicitResult. An empty line takes the field's default, or leaves out a field that is not
// required; a dot alone, or the input's end, declines all. What is no form (a URL to visit) is
// declined.
Json AskForm(const std::string& server, const Json& params, std::istream& in, std::ostream& out);

}  // namespace hearth::main
