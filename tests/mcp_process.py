"""What the tests of `hearth mcp` share: the process, and requests to it line by line."""
import json
import os
import select
import subprocess
import time

MODERN = {"io.modelcontextprotocol/protocolVersion": "2026-07-28",
          "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
          "io.modelcontextprotocol/clientCapabilities": {}}


class Host:
    """Starts a server as Claude Desktop does: pipes, working directory /, hardly any environment."""

    def __init__(self, command, home, **options):
        environment = {"PATH": "/usr/bin:/bin", "HOME": home}
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/",
                                        stderr=options.pop("stderr", subprocess.DEVNULL), env=environment, **options)
        self.buffer = b""
        self.last = 0

    def send(self, message):
        data = message if isinstance(message, bytes) else json.dumps(message).encode() + b"\n"
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def receive(self, timeout=30):
        """The next message; None at the end of what the server says."""
        deadline = time.monotonic() + timeout
        while b"\n" not in self.buffer:
            left = deadline - time.monotonic()
            assert left > 0 and select.select([self.process.stdout], [], [], left)[0], "no answer in time"
            chunk = os.read(self.process.stdout.fileno(), 1 << 20)
            if not chunk:
                assert not self.buffer, f"half a line at the end: {self.buffer[:200]!r}"
                return None
            self.buffer += chunk
        line, self.buffer = self.buffer.split(b"\n", 1)
        return json.loads(line)  # whatever is no JSON on stdout fails here

    def request(self, method, params=None, answer=None):
        """The whole answer to a request; `answer` answers requests of the server."""
        self.last += 1
        self.send({"jsonrpc": "2.0", "id": self.last, "method": method, "params": params or {}})
        while True:
            message = self.receive()
            assert message is not None, "the server ended"
            if message.get("id") == self.last and "method" not in message:
                return message
            if "method" in message and "id" in message:
                self.send({"jsonrpc": "2.0", "id": message["id"], "result": answer(message)})

    def initialize(self, capabilities=None, revision="2025-11-25"):
        done = self.request("initialize", {"protocolVersion": revision, "capabilities": capabilities or {},
                                           "clientInfo": {"name": "test", "version": "1"}})
        self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
        return done["result"]

    def call(self, name, arguments=None, answer=None):
        done = self.request("tools/call", {"name": name, "arguments": arguments or {}}, answer)
        return done["result"]

    def modern(self, method, capabilities=None, **params):
        meta = {**MODERN, "io.modelcontextprotocol/clientCapabilities": capabilities or {}}
        return self.request(method, {**params, "_meta": meta})

    def close(self, within=2.0):
        """Closes the server's input; it must then end by itself with status 0."""
        self.process.stdin.close()
        start = time.monotonic()
        status = self.process.wait(10)
        assert time.monotonic() - start < within, "the server took too long to end"
        assert status == 0, f"the server ended with {status}"
        self.process.stdout.close()
