#!/usr/bin/env python3
"""Other implementations of MCP drive `hearth mcp` and `hearth serve` and are driven by `hearth mcp call`.

  mcp_peers_test.py --build BUILD

Over pipes, streamable HTTP and HTTP+SSE. Runs with HEARTH_SLOW=1 alone, since it fetches them (into BUILD/mcp_peers):
the Python SDK from PyPI; the TypeScript SDKs 1.x and 2.x, the inspector's command line, server-everything and
server-filesystem from npm. Says which it skipped.
"""
import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import venv

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from oracle import ROOT  # noqa: E402

CLIENTS = os.path.join(ROOT, "tests", "clients")
NPM = ["@modelcontextprotocol/sdk@1.32.2", "@modelcontextprotocol/client@2.4.0", "@modelcontextprotocol/server@2.4.0",
       "@modelcontextprotocol/server-everything@2026.8.31", "@modelcontextprotocol/server-filesystem@2026.8.31",
       "@modelcontextprotocol/inspector", "zod"]


def run(command, **options):
    done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300, check=False, **options)
    assert done.returncode == 0, f"{command}: {done.stdout[-2000:]}"
    return done.stdout


def python_sdk(folder):
    python = os.path.join(folder, "venv", "bin", "python")
    if not os.path.exists(python):
        venv.create(os.path.join(folder, "venv"), with_pip=True)
    done = subprocess.run([python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "mcp==2.3.0"], check=False)
    return python if done.returncode == 0 else None


def npm_packages(folder):
    js = os.path.join(folder, "js")
    os.makedirs(js, exist_ok=True)
    if shutil.which("npm") is None:
        return None
    if not os.path.exists(os.path.join(js, "node_modules")):
        done = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--prefix", js, *NPM], check=False,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if done.returncode != 0:
            return None
    for name in ("mcp_v1.mjs", "mcp_v2.mjs", "mcp_server_v1.mjs", "mcp_server_v2.mjs"):
        shutil.copy(os.path.join(CLIENTS, name), js)  # node looks for libraries beside the script
    return js


def drive_peers(hearth, js, home):
    """Our client with servers of others."""
    modules = os.path.join(js, "node_modules", "@modelcontextprotocol")
    files = os.path.join(home, "files")
    os.makedirs(files)
    with open(os.path.join(files, "a.txt"), "w", encoding="utf-8") as file:
        file.write("hello")
    config = os.path.join(home, "mcp.json")
    with open(config, "w", encoding="utf-8") as file:
        json.dump({"mcpServers": {
            "everything": {"command": "node", "args": [os.path.join(modules, "server-everything", "dist", "index.js")]},
            "files": {"command": "node", "args": [os.path.join(modules, "server-filesystem", "dist", "index.js"), files]}}}, file)
    call = lambda *args: run([hearth, "mcp", "call", *args, "--file", config], env={**os.environ, "HOME": home})  # noqa: E731
    assert call("everything", "echo", '{"message": "hi"}') == "Echo: hi\n"
    assert "42" in call("everything", "get-sum", '{"a": 40, "b": 2}')
    assert "[image, image/png" in call("everything", "get-tiny-image")
    long = call("everything", "trigger-long-running-operation", '{"duration": 1, "steps": 3}')
    assert "3 of 3" in long, long
    assert call("files", "read_text_file", json.dumps({"path": os.path.join(files, "a.txt")})).strip() == "hello"
    print(run([hearth, "mcp", "test", "--file", config], env={**os.environ, "HOME": home}).rstrip())


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Server:
    """A server behind HTTP, up once its port takes connections."""

    def __init__(self, port, *command, **environment):
        self.process = subprocess.Popen(command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        self.port = port

    def __enter__(self):
        for _ in range(300):
            with socket.socket() as one:
                if one.connect_ex(("127.0.0.1", self.port)) == 0:
                    return self
            assert self.process.poll() is None, f"{self.process.args} ended"
            time.sleep(0.1)
        raise AssertionError(f"{self.process.args} does not listen")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(10)


def drive_http_peers(hearth, js, python, home):
    """Our client with servers of others behind HTTP."""
    everything = os.path.join(js, "node_modules", "@modelcontextprotocol", "server-everything", "dist", "index.js")
    config = os.path.join(home, "http.json")

    def call(url, tool, arguments):
        with open(config, "w", encoding="utf-8") as file:
            json.dump({"mcpServers": {"peer": {"url": url}}}, file)
        environment = {**os.environ, "HOME": home}
        print(run([hearth, "mcp", "test", "--file", config], env=environment).rstrip(), f"({url.rpartition('/')[2]})")
        return run([hearth, "mcp", "call", "peer", tool, json.dumps(arguments), "--file", config], env=environment)

    for transport, path in (("streamableHttp", "/mcp"), ("sse", "/sse")):
        port = free_port()
        with Server(port, "node", everything, transport, PORT=str(port)):
            url = f"http://127.0.0.1:{port}{path}"
            assert call(url, "echo", {"message": "hi"}) == "Echo: hi\n"
            long = call(url, "trigger-long-running-operation", {"duration": 1, "steps": 3})
            assert "3 of 3" in long, long
    port = free_port()
    with Server(port, "node", os.path.join(js, "mcp_server_v1.mjs"), str(port)):
        assert call(f"http://127.0.0.1:{port}/mcp", "echo", {"message": "hi"}) == "Echo: hi\n"
    for era in ("both", "modern"):
        port = free_port()
        with Server(port, "node", os.path.join(js, "mcp_server_v2.mjs"), str(port), era):
            assert call(f"http://127.0.0.1:{port}/mcp", "echo", {"message": "hi"}) == "Echo: hi\n"
    if python:
        port = free_port()
        with Server(port, python, os.path.join(CLIENTS, "mcp_server_python.py"), str(port)):
            assert "Echo: hi" in call(f"http://127.0.0.1:{port}/mcp", "echo", {"message": "hi"})


def drive_our_http(hearth, js, python, home):
    """Clients of others with our daemon."""
    port = free_port()
    with Server(port, hearth, "serve", "--port", str(port), "--db", os.path.join(home, "http.db"), HOME=home):
        url = f"http://127.0.0.1:{port}/mcp"
        for name in ("mcp_v1.mjs", "mcp_v2.mjs"):
            print(run(["node", os.path.join(js, name), url]).rstrip(), "over HTTP")
        if python:
            print(run([python, os.path.join(CLIENTS, "mcp_python.py"), url]).rstrip(), "over HTTP")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", required=True)
    build = os.path.abspath(parser.parse_args().build)
    if os.environ.get("HEARTH_SLOW") != "1":
        print("skipped: fetches other implementations; HEARTH_SLOW=1 runs it")
        return
    folder = os.path.join(build, "mcp_peers")
    hearth = os.path.join(build, "hearth")
    with tempfile.TemporaryDirectory(prefix="hearth-") as home:
        server = [hearth, "mcp", "--db", os.path.join(home, "peers.db")]
        python = python_sdk(folder)
        if python:
            print(run([python, os.path.join(CLIENTS, "mcp_python.py"), *server]).rstrip())
        else:
            print("skipped: the Python SDK could not be fetched from PyPI")
        js = npm_packages(folder)
        if js is None:
            print("skipped: the peers from npm (it is not installed, or has no registry)")
            return
        for name in ("mcp_v1.mjs", "mcp_v2.mjs"):
            print(run(["node", os.path.join(js, name), *server]).rstrip())
        inspector = [os.path.join(js, "node_modules", ".bin", "mcp-inspector"), "--cli", *server, "--method"]
        tools = json.loads(run([*inspector, "tools/list"]))["tools"]
        run([*inspector, "tools/call", "--tool-name", "create_task", "--tool-arg", "title=From the inspector"])
        assert "From the inspector" in run([*inspector, "tools/call", "--tool-name", "list_tasks"])
        print(f"inspector: {len(tools)} tools, a task made and listed")
        drive_peers(hearth, js, home)
        drive_http_peers(hearth, js, python, home)
        drive_our_http(hearth, js, python, home)


if __name__ == "__main__":
    main()
