"""What the tests of `hearth serve` share: the process, requests to it, and the models that it serves."""
import http.client
import json
import os
import re
import select
import signal
import socket
import subprocess
import time

from gguf_template import with_template
from oracle import GOLDEN, ROOT

TINY = os.path.join(GOLDEN, "tiny", "llama-test-F16.gguf")


def make_models(scratch):
    """Fills the models folder with models of random weights and templates of several families, and returns one that
    lies elsewhere."""
    models = os.path.join(scratch, "data", "hearth", "models")
    os.makedirs(models)
    with open(os.path.join(ROOT, "tests", "golden", "templates", "qwen3.jinja"), encoding="utf-8") as file:
        qwen3 = file.read()
    with_template(TINY, os.path.join(models, "Qwen3-Style.gguf"), qwen3)
    with_template(TINY, os.path.join(models, "thinking-style.gguf"),
                  qwen3.replace("<|im_start|>assistant\\n' }}", "<|im_start|>assistant\\n<think>\\n' }}"))
    # A call without markers, as Llama 3 writes it.
    with_template(TINY, os.path.join(models, "bare-style.gguf"), "{% if tools %}{{ tools | tojson }}<|python_tag|>{% endif %}"
                  "{% for m in messages %}{{ m['role'] + ': ' + (m['content'] or '') + '\\n' }}{% endfor %}assistant: ")
    # Not a template: such a model completes texts and holds no conversation.
    with_template(TINY, os.path.join(models, "base-style.gguf"), "{% if")
    model = os.path.join(scratch, "Tiny.Random.gguf")
    with open(TINY, "rb") as source, open(model, "wb") as target:
        target.write(source.read())
    return model


def model_id(path):
    return os.path.basename(path)[:-len(".gguf")].lower()


class Server:
    """`hearth serve` on a port of its own, with a data and a settings folder of its own."""

    def __init__(self, build, scratch, model, *args, env=None, wait=True):
        self.env = {**os.environ, "XDG_DATA_HOME": os.path.join(scratch, "data"),
                    "XDG_CONFIG_HOME": os.path.join(scratch, "config"),
                    "XDG_STATE_HOME": os.path.join(scratch, "state"), "HEARTH_LOG": "info", **(env or {})}
        for name in [n for n in self.env if n.startswith("HEARTH_") and n not in (env or {}) and n != "HEARTH_LOG"]:
            del self.env[name]
        command = [os.path.join(build, "hearth"), "serve"]
        if model:
            command += ["--model", model]
        if not any(a.startswith(("--port", "--host=unix")) for a in args):
            command += ["--port", "0"]
        self.process = subprocess.Popen([*command, *args], stderr=subprocess.PIPE, env=self.env)
        self.log = ""
        self.port = None
        self.model = model_id(model) if model else None
        if wait:
            self.wait_for(r"listening on \S+")
            if found := re.search(r"listening on http://\S+:(\d+)", self.log):
                self.port = int(found.group(1))
            self.wait_for("is loaded")

    def wait_for(self, pattern, seconds=60):
        end = time.monotonic() + seconds
        while not re.search(pattern, self.log):
            if time.monotonic() > end or self.process.poll() is not None:
                raise SystemExit(f"hearth serve said no '{pattern}': {self.log}")
            if select.select([self.process.stderr], [], [], 0.2)[0]:
                self.log += os.read(self.process.stderr.fileno(), 65536).decode()

    @property
    def base_url(self):
        return f"http://127.0.0.1:{self.port}/v1"

    def connect(self, timeout=60):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def request(self, method, path, body=None, headers=None, timeout=120):
        """(status, headers, body); a body that is no bytes goes as JSON."""
        connection = self.connect(timeout)
        sent = dict(headers or {})
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
        try:
            connection.request(method, path, body, sent)
            response = connection.getresponse()
            return response.status, dict(response.getheaders()), response.read()
        finally:
            connection.close()

    def post(self, path, body, headers=None, timeout=120):
        """(status, parsed body)."""
        status, _, answer = self.request("POST", path, body, headers, timeout)
        return status, json.loads(answer)

    def chat(self, **body):
        return self.post("/v1/chat/completions", body)

    def stream(self, path="/v1/chat/completions", timeout=120, **body):
        """The chunks of a streamed answer; the last is "[DONE]"."""
        connection = self.connect(timeout)
        connection.request("POST", path, json.dumps({**body, "stream": True}),
                           {"Content-Type": "application/json"})
        response = connection.getresponse()
        assert response.status == 200, response.read()
        chunks = []
        for line in response:
            line = line.decode().rstrip("\n")
            if line.startswith("data: "):
                chunks.append(line[6:] if line == "data: [DONE]" else json.loads(line[6:]))
            else:
                assert line == "" or line.startswith(":"), line
        connection.close()
        return chunks

    def raw(self, timeout=30):
        return socket.create_connection(("127.0.0.1", self.port), timeout)

    def metric(self, name):
        text = self.request("GET", "/metrics")[2].decode()
        return float(re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE).group(1))

    def cpu_seconds(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_kib(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
            return int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1))

    def stop(self, seconds=30):
        """Seconds until it had ended, and its status."""
        started = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.log += self.process.communicate(timeout=seconds)[1].decode()
        self.check_log()
        return time.monotonic() - started, self.process.returncode

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.log += self.process.communicate()[1].decode()
        self.check_log()

    def check_log(self):
        """A sanitizer may find something and let the server go on."""
        if re.search(r"(Address|Thread|Leak)Sanitizer|: runtime error: ", self.log):
            raise SystemExit(f"a sanitizer found:\n{self.log[-4000:]}")
