#!/usr/bin/env bash
# Prints the table of MCP speed: the fixture's echo and `hearth mcp` beside servers on the Go, Rust and TypeScript
# SDKs, in one run. The peers are fetched and built once, into the user's cache; those whose tools are not installed
# (go, cargo, npm) are left out and named. See mcp.py --help.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
data=${HEARTH_SHARED:-$root/../shared}/mcp
[ -f "$data/bench_stdio.py" ] || { echo "skipped: $data is not there (the benchmark client)"; exit 0; }
peers=${MCP_PEERS:-${XDG_CACHE_HOME:-$HOME/.cache}/hearth/peers/mcp}
mkdir -p "$peers"
PATH=$PATH:/usr/local/go/bin:$HOME/.cargo/bin

if [ ! -x "$peers/go/echo_go" ] && command -v go >/dev/null; then
  mkdir -p "$peers/go"
  cp "$data/echo/echo_go.go" "$peers/go/main.go"
  (cd "$peers/go" && { [ -f go.mod ] || go mod init echo; } && go get github.com/modelcontextprotocol/go-sdk/mcp@v1.8.0 &&
    go build -o echo_go .) >"$peers/go.log" 2>&1 || echo "the Go peer was not built; see $peers/go.log" >&2
fi
if [ ! -x "$peers/rust/target/release/echo_rust" ] && command -v cargo >/dev/null; then
  mkdir -p "$peers/rust/src"
  cp "$data/echo/echo_rust.rs" "$peers/rust/src/main.rs"
  cat >"$peers/rust/Cargo.toml" <<'TOML'
[package]
name = "echo_rust"
version = "0.1.0"
edition = "2021"
[dependencies]
rmcp = { version = "=3.9.0", features = ["server", "macros", "transport-io"] }
tokio = { version = "1", features = ["macros", "rt-multi-thread", "io-std"] }
serde = { version = "1", features = ["derive"] }
schemars = "1"
TOML
  (cd "$peers/rust" && cargo build --release) >"$peers/rust.log" 2>&1 || echo "the Rust peer was not built; see $peers/rust.log" >&2
fi
if [ ! -d "$peers/ts/node_modules" ] && command -v npm >/dev/null; then
  mkdir -p "$peers/ts"
  cp "$data"/echo/echo_ts_v*.mjs "$peers/ts/"
  npm install --prefix "$peers/ts" --no-audit --no-fund @modelcontextprotocol/sdk@1.32.2 \
    @modelcontextprotocol/server@2.4.0 zod >"$peers/ts.log" 2>&1 || echo "the TypeScript peers were not fetched; see $peers/ts.log" >&2
fi
exec python3 "$root/tests/bench/mcp.py" --client "$data" --peers "$peers" --build "${BUILD:-$root/build}" "$@"
