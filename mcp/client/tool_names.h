// Names for the tools of other servers: server__tool, as model APIs take them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hearth::mcp {

// A name of 1 to 64 letters, digits, '_' and '-' for each tool, in order, no two alike. Characters
// that are not allowed become '_'. Where that made two names alike, or a name was too long, it ends
// in '_' and eight hexadecimal digits of SHA-256(server NUL tool): the same at every start. A
// name that clashes with none stays plain.
std::vector<std::string> NameTools(std::string_view server, const std::vector<std::string>& tools);

}  // namespace hearth::mcp
