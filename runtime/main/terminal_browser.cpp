#include "runtime/main/terminal_browser.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <utility>

#include "runtime/base/text.h"
#include "runtime/net/redirect_listener.h"

namespace hearth::main {
namespace {

constexpr const char* kPath = "/callback";
constexpr std::chrono::minutes kPatience{5};

class TerminalVisit : public mcp::Browser::Visit {
 public:
  explicit TerminalVisit(std::unique_ptr<net::RedirectListener> listener)
      : listener_(std::move(listener)) {}

  // By number and not by the name localhost, which may lead elsewhere (RFC 8252, section 7.3).
  std::string redirect_uri() const override {
    return Concat("http://127.0.0.1:", listener_->port(), kPath);
  }

  Result<std::string> Go(const std::string& page, std::stop_token stop) override {
    std::fprintf(stderr, "\nTo log in, open this page in a browser on this machine:\n\n  %s\n\n",
                 OneLine(page).c_str());
    auto query = listener_->Wait(kPath, kPatience, std::move(stop));
    if (!query.ok() && query.error().code == ErrorCode::kResourceExhausted) {
      return MakeError(ErrorCode::kIo, "nobody logged in within five minutes");
    }
    return query;
  }

 private:
  const std::unique_ptr<net::RedirectListener> listener_;
};

}  // namespace

Result<std::unique_ptr<mcp::Browser::Visit>> TerminalBrowser::Begin(uint16_t port) {
  HEARTH_TRY(auto listener, net::RedirectListener::Open(port));
  return std::unique_ptr<Visit>(std::make_unique<TerminalVisit>(std::move(listener)));
}

bool TerminalBrowser::Usable() { return ::isatty(2) == 1; }

}  // namespace hearth::main
