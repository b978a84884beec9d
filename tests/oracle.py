"""What the oracle tests share: a `hearth inspect` process, and where the data lies."""
import json
import os
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
GOLDEN = os.path.join(ROOT, "tests", "golden", "inference")
SHARED = os.path.join(os.environ.get("HEARTH_SHARED", os.path.join(ROOT, "..", "shared")), "inference")


def default_model():
    data = os.environ.get("XDG_DATA_HOME") or os.path.join(os.path.expanduser("~"), ".local", "share")
    return os.environ.get("HEARTH_TEST_MODEL") or os.path.join(
        data, "hearth", "models", "SmolLM2-135M-Instruct.Q4_1.gguf")


def gemma_model():
    """Gemma's terms forbid shipping it, so it is checked only where somebody has put it."""
    return os.environ.get("HEARTH_TEST_GEMMA") or os.path.join(
        os.path.dirname(default_model()), "gemma3-270m-q4_k_m.gguf")


class Inspector:
    """One `hearth inspect` process: ask(request) gives its reply."""

    def __init__(self, build, *args, env=None):
        self.process = subprocess.Popen(
            [os.path.join(build, "hearth"), "inspect", *args], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, encoding="utf-8", env={**os.environ, **(env or {})})

    def ask(self, request, may_fail=False):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"hearth inspect ended with status {self.process.wait()}")
        reply = json.loads(line)
        if "error" in reply and not may_fail:
            raise SystemExit(f"hearth inspect refused a request: {reply['error']}")
        return reply

    def close(self):
        self.process.stdin.close()
        status = self.process.wait()
        if status != 0:
            raise SystemExit(f"hearth inspect ended with status {status}")


def load(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def instruction_sets():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        flags = next((line for line in file if line.startswith("flags")), "").split()
    names = ["scalar"]
    if {"avx2", "fma", "f16c"} <= set(flags):
        names.append("avx2")
    if {"avx512f", "avx512bw", "avx512vl", "avx512dq", "avx512_vnni"} <= set(flags):
        names.append("avx512")
    return names
