// mcp_fixture: the fixture server over stdio, or with --http PORT over HTTP at /mcp.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "mcp/http_endpoint.h"
#include "mcp/server.h"
#include "mcp/stdio.h"
#include "runtime/base/clock.h"
#include "tests/conformance/fixture.h"
#include "tests/conformance/fixture_site.h"

int main(int argc, char** argv) {
  using namespace hearth;
  const SystemClock clock;
  mcp::fixture::FixtureResources resources;
  mcp::fixture::FixturePrompts prompts;
  mcp::Server server(mcp::fixture::Info(), clock);
  server.SetResources(&resources);
  server.SetPrompts(&prompts);
  if (const Status status = mcp::fixture::AddTools(server); !status.ok()) {
    std::fprintf(stderr, "mcp_fixture: %s\n", status.error().message.c_str());
    return 1;
  }
  if (argc == 1) {
    mcp::EndWithHost();
    mcp::ServeStdio(server, {.out = mcp::TakeStdout()});
    server.Stop(std::chrono::milliseconds(500));
    std::_Exit(0);
  }
  if (argc != 3 || std::strcmp(argv[1], "--http") != 0) {
    std::fprintf(stderr, "usage: mcp_fixture [--http PORT]\n");
    return 2;
  }
  mcp::HttpEndpoint endpoint(server, clock);
  mcp::fixture::FixtureSite site(endpoint);
  site.AddNull();
  const auto port = static_cast<uint16_t>(std::atoi(argv[2]));
  auto listener = http::Listener::Create({{.host = "127.0.0.1", .port = port}}, {}, site);
  if (!listener.ok()) {
    std::fprintf(stderr, "mcp_fixture: %s\n", listener.error().message.c_str());
    return 1;
  }
  std::fprintf(stderr, "listening on port %d\n", (*listener)->endpoints()[0].port);
  (*listener)->Run();
}
