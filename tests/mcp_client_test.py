#!/usr/bin/env python3
"""`hearth mcp list|test|tools|call|login|logout|approve` with servers of good and bad manners, and with itself.

  mcp_client_test.py --build BUILD
"""
import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from oracle import ROOT  # noqa: E402

sys.path.insert(0, os.path.join(ROOT, "tests", "fakes"))
import oauth_server  # noqa: E402

FAKE = os.path.join(ROOT, "tests", "fakes", "mcp_server.py")


class Setup:
    def __init__(self, build, home):
        self.hearth = os.path.join(build, "hearth")
        self.home = home
        self.path = os.path.join(home, ".config", "hearth", "mcp.json")
        os.makedirs(os.path.dirname(self.path))

    def servers(self, **entries):
        with open(self.path, "w", encoding="utf-8") as file:
            json.dump({"mcpServers": entries}, file)

    def fake(self, *habits, **more):
        return {"command": sys.executable, "args": [FAKE, *habits], **more}

    def run(self, *arguments, status=0):
        done = subprocess.run([self.hearth, "mcp", *arguments], text=True, capture_output=True, timeout=60, check=False,
                              env={"HOME": self.home, "PATH": os.environ["PATH"], "SECRET": "s3"})
        assert done.returncode == status, (arguments, done.returncode, done.stdout, done.stderr)
        return done


def eras(setup):
    """A modern server is spoken to as such; all others after the probe, whatever they answer to it."""
    setup.servers(own={"command": setup.hearth, "args": ["mcp"]}, plain=setup.fake(), picky=setup.fake("picky"),
                  silent=setup.fake("silent"), junk=setup.fake("junk"), pages=setup.fake("pages"))
    start = time.monotonic()
    said = setup.run("test").stdout
    assert time.monotonic() - start < 20
    assert "own: hearth 0.1.0, 2026-07-28, 8 tools" in said, said
    for name in ("plain", "picky", "silent", "junk", "pages"):
        assert f"{name}: fake 7, 2024-11-05, 4 tools" in said, said
    assert "pages" in setup.run("list").stdout


def calls(setup):
    setup.servers(fake=setup.fake("junk", env={"A": "${SECRET}"}, cwd="/"), own={"command": setup.hearth, "args": ["mcp"]})
    assert setup.run("call", "fake", "add", '{"a": 2, "b": 3}').stdout == "5\n"
    slow = setup.run("call", "fake", "slow tool!")
    assert slow.stdout == "slow and done\n" and "3 of 3 step 3" in slow.stderr
    assert setup.run("call", "fake", "ask").stdout == "the client answered -32601\n"
    started = json.loads(setup.run("call", "fake", "environment").stdout)
    assert started == {"cwd": "/", "A": "s3", "PATH": True, "group": True}, started
    made = json.loads(setup.run("call", "own", "create_task", '{"title": "From a client"}', "--json").stdout)
    assert made["structuredContent"]["title"] == "From a client", made
    assert "unknown tool" in setup.run("call", "own", "nothing", status=1).stderr
    setup.run("call", "own", "create_task", "[]", status=2)
    setup.run("call", "nobody", "add", status=4)


def failures(setup):
    """One bad server, or one bad tool, spoils no other, and what went wrong is said."""
    setup.servers(good=setup.fake(), words=setup.fake("words"), missing={"command": "no-such-program"},
                  tool=setup.fake("bad-tool"), neither={"args": []}, url={"url": "http://127.0.0.1:9/mcp"})
    done = setup.run("test", status=1)
    assert "good: fake 7" in done.stdout and "tool: fake 7, 2024-11-05, 4 tools" in done.stdout, done.stdout
    assert "the tool 'broken' is left out" in done.stdout
    assert "words: " in done.stdout and "no licence found" in done.stdout, done.stdout
    assert "no program 'no-such-program' in PATH" in done.stdout
    assert "neither" in done.stderr and "either" in done.stderr


def pins(setup):
    """A tool that describes itself otherwise is shown as changed until it is approved."""
    setup.servers(fake=setup.fake())
    setup.run("approve", "fake")
    path = os.path.join(setup.home, ".local", "share", "hearth", "mcp_pins.json")
    assert os.stat(path).st_mode & 0o777 == 0o600
    assert "changed" not in setup.run("tools", "fake").stdout
    setup.servers(fake=setup.fake("changed"))
    assert "changed" in setup.run("tools", "fake").stdout
    setup.run("approve", "fake")
    assert "changed" not in setup.run("tools", "fake").stdout
    with open(path, "w", encoding="utf-8") as file:
        file.write("{")
    assert "damaged" in setup.run("tools", "fake", status=2).stderr


def no_orphans(setup):
    """Servers end with the client, whatever ends it."""
    setup.servers(fake=setup.fake())
    process = subprocess.Popen([setup.hearth, "mcp", "call", "fake", "slow tool!"], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, env={"HOME": setup.home, "PATH": os.environ["PATH"]})
    process.stderr.readline()
    children = open(f"/proc/{process.pid}/task/{process.pid}/children", encoding="utf-8").read().split()
    process.kill()
    process.wait()
    deadline = time.monotonic() + 2
    for child in children:
        while os.path.exists(f"/proc/{child}") and "Z" not in open(f"/proc/{child}/stat", encoding="utf-8").read().rsplit(")", 1)[1].split()[:1]:
            assert time.monotonic() < deadline, "an orphan"
            time.sleep(0.02)


def over_http(setup):
    """The fixture server behind HTTP, in both eras."""
    fixture = os.path.join(os.path.dirname(setup.hearth), "tests", "mcp_fixture")
    server = subprocess.Popen([fixture, "--http", "0"], stderr=subprocess.PIPE, text=True)
    try:
        url = f"http://127.0.0.1:{re.search(r'port (.+)', server.stderr.readline()).group(1)}/mcp"
        setup.servers(web={"url": url, "headers": {"X-Key": "${SECRET}"}}, gone={"url": "http://127.0.0.1:1/mcp"},
                      open={"url": "http://example.com/mcp"})
        assert setup.run("call", "web", "echo", '{"message": "hi"}').stdout == "Echo: hi\n"
        slow = setup.run("call", "web", "test_tool_with_progress")
        assert "100" in slow.stderr, slow
        said = setup.run("test", status=1).stdout
        assert "web: " in said and "2026-07-28" in said and "tools" in said, said
        assert "gone: MCP server 'gone': 127.0.0.1:1: Connection refused" in said, said
        assert "open: MCP server 'open': http://example.com: only https" in said, said
    finally:
        server.terminate()
        server.wait(10)


def login(setup):
    """A login at a terminal: the page is printed, the browser comes back, the token is kept and refreshed."""
    guarded = oauth_server.Guarded()
    setup.servers(work={"url": guarded.issuer + "/mcp"})
    refused = setup.run("call", "work", "hello", status=1)
    assert "hearth mcp login" in refused.stderr, refused.stderr
    terminal, other_end = os.openpty()
    process = subprocess.Popen([setup.hearth, "mcp", "login", "work"], stdout=subprocess.PIPE, stderr=other_end, text=True,
                               env={"HOME": setup.home, "PATH": os.environ["PATH"]})
    shown = ""
    while "\r\n\r\n" not in shown[shown.find("http://"):]:
        shown += os.read(terminal, 4096).decode()
    page = re.search(r"http://\S+", shown).group(0)
    assert "Thank you" in urllib.request.urlopen(page).read().decode()
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 0 and "'work' lets us in: guarded 1, 2025-11-25, 1 tools" in out, out
    tokens = os.path.join(setup.home, ".local", "share", "hearth", "mcp_tokens.json")
    assert os.stat(tokens).st_mode & 0o777 == 0o600
    assert setup.run("call", "work", "hello").stdout == "let in\n"
    assert setup.run("call", "work", "hello").stdout == "let in\n"  # with a token that was refreshed
    assert guarded.grants == ["authorization_code", "refresh_token"], guarded.grants
    setup.run("logout", "work")
    assert "token" not in open(tokens, encoding="utf-8").read()
    setup.run("call", "work", "hello", status=1)
    guarded.shutdown()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", required=True)
    build = os.path.abspath(parser.parse_args().build)
    for test in (eras, calls, failures, pins, no_orphans, over_http, login):
        with tempfile.TemporaryDirectory(prefix="hearth-") as home:
            test(Setup(build, home))
        print(f"{test.__name__}: passed", flush=True)


if __name__ == "__main__":
    main()
