#!/usr/bin/env python3
"""The table of MCP speed: start, latency, throughput and memory of servers that do the same. Run it by mcp.sh.

Every server is measured by the same client, in turns, in the same minutes; a cell is the best of the rounds. "floor" is
the client alone, against cat (stdio) or against a route that answers a fixed body (HTTP).
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

ECHO = ["--tool", "echo", "--args", '{"message":"hello"}']
LIST = ["--tool", "list_tasks", "--args", "{}", "--large", "0"]


def stdio(client, arguments, command):
    done = subprocess.run([sys.executable, os.path.join(client, "bench_stdio.py"), *arguments, "--", *command], check=False,
                          capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        sys.exit(f"{command}: {done.stderr.strip()[-500:]}")
    run = json.loads(done.stdout)
    return {"start ms": run.get("start_ms", {}).get("median"), "p50 us": run["sequential"]["p50_us"],
            "p99 us": run["sequential"]["p99_us"], "calls/s": run["pipelined"]["calls_per_s"],
            "RSS MiB": round(run["peak_rss_kib"] / 1024, 1) if "peak_rss_kib" in run else None,
            "1 MB ms": run.get("large", {}).get("median_ms")}


def http(client, port, path, arguments, command):
    done = subprocess.run([sys.executable, os.path.join(client, "bench_http.py"), "--url", f"http://127.0.0.1:{port}{path}",
                           *ECHO, *arguments, "--", *command], check=False, capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        sys.exit(f"{command}: {done.stderr.strip()[-500:]}")
    run = json.loads(done.stdout)
    return {"start ms": run["start_ms"], "p50 us": run["sequential"]["p50_us"], "p99 us": run["sequential"]["p99_us"],
            "calls/s": run["concurrent"]["calls_per_s"], "RSS MiB": round(run["peak_rss_kib"] / 1024, 1),
            "1 MB ms": run.get("large", {}).get("median_ms")}


def better(name, a, b):
    if a is None or b is None:
        return b if a is None else a
    return max(a, b) if name == "calls/s" else min(a, b)


def table(title, rows):
    names = ["start ms", "p50 us", "p99 us", "calls/s", "RSS MiB", "1 MB ms"]
    print(f"\n| {title} | " + " | ".join(names) + " |\n|---|" + "---|" * len(names))
    for row, cells in rows.items():
        print(f"| {row} | " + " | ".join("" if cells[n] is None else f"{cells[n]:,}" for n in names) + " |")


def fill(database, hearth, count):
    lines = [{"jsonrpc": "2.0", "id": 0, "method": "initialize",
              "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}}}]
    lines += [{"jsonrpc": "2.0", "id": i + 1, "method": "tools/call",
               "params": {"name": "create_task", "arguments": {"title": f"Task {i}"}}} for i in range(count)]
    subprocess.run([hearth, "mcp", "--db", database], input="\n".join(map(json.dumps, lines)) + "\n", text=True, check=True,
                   stdout=subprocess.DEVNULL)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--client", required=True)
    parser.add_argument("--peers", required=True)
    parser.add_argument("--build", required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tasks", type=int, default=5, help="tasks in the list that list_tasks shows")
    parser.add_argument("--no-http", action="store_true")
    a = parser.parse_args()
    hearth, fixture = os.path.join(a.build, "hearth"), os.path.join(a.build, "tests", "mcp_fixture")
    servers = {"hearth fixture": [fixture], "Go go-sdk 1.8.0": [os.path.join(a.peers, "go", "echo_go")],
               "Rust rmcp 3.9.0": [os.path.join(a.peers, "rust", "target", "release", "echo_rust")],
               "TS SDK 1.32.2": ["node", os.path.join(a.peers, "ts", "echo_ts_v1.mjs")],
               "TS server 2.4.0": ["node", os.path.join(a.peers, "ts", "echo_ts_v2.mjs")]}
    for name, command in list(servers.items()):
        if not os.path.exists(command[-1]):
            print(f"left out: {name} ({command[-1]} is not there)")
            del servers[name]
    with tempfile.TemporaryDirectory(prefix="hearth-") as home:
        jobs = {"floor (cat)": lambda: stdio(a.client, ["--floor"], ["cat"])}
        for name, command in servers.items():
            jobs[name] = lambda command=command: stdio(a.client, ECHO, command)
        if os.path.exists(hearth):
            database = os.path.join(home, "bench.db")
            fill(database, hearth, a.tasks)
            jobs[f"hearth mcp, list_tasks of {a.tasks}"] = lambda: stdio(a.client, LIST, [hearth, "mcp", "--db", database])
        run("stdio, 2025-11-25", jobs, a.rounds)
        if a.no_http:
            return
        jobs = {"floor (fixed body)": lambda: http(a.client, 3921, "/null", [], [fixture, "--http", "3921"])}
        for protocol in ("2025-11-25", "2026-07-28"):
            jobs[f"hearth fixture, {protocol}"] = lambda protocol=protocol: http(
                a.client, 3922, "/mcp", ["--protocol", protocol], [fixture, "--http", "3922"])
        if "Go go-sdk 1.8.0" in servers:
            jobs["Go go-sdk 1.8.0, 2025-11-25"] = lambda: http(
                a.client, 3923, "/mcp", [], [*servers["Go go-sdk 1.8.0"], "http", "127.0.0.1:3923"])
        run("HTTP", jobs, a.rounds)


def run(title, jobs, rounds):
    rows = {}
    for _ in range(rounds):
        for name, job in jobs.items():
            cells = job()
            rows[name] = {k: better(k, rows[name][k], v) for k, v in cells.items()} if name in rows else cells
    table(title, rows)


if __name__ == "__main__":
    main()
