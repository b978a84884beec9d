// TerminalBrowser: logins at a terminal: the page's address is printed, and the browser comes back
// to a port of this machine.
#pragma once

#include <memory>
#include <string>

#include "mcp/oauth.h"

namespace hearth::main {

class TerminalBrowser : public mcp::Browser {
 public:
  Result<std::unique_ptr<Visit>> Begin(uint16_t port) override;

  // Whether a person is there to read the address.
  static bool Usable();
};

}  // namespace hearth::main
