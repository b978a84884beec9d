#!/usr/bin/env python3
"""Real client libraries against `hearth serve` with the default model: openai (Python and JS), pydantic-ai, the AI SDK.

  clients_test.py --build BUILD

Runs with HEARTH_SLOW=1 alone, since it installs the libraries (into BUILD/clients). The JS ones need node and npm. Where
shared/ is at hand, the task manager and the load test that lie there run as well.
"""
import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import venv

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from oracle import ROOT, default_model  # noqa: E402
from serving_process import Server  # noqa: E402

CLIENTS = os.path.join(ROOT, "tests", "clients")
SHARED = os.environ.get("HEARTH_SHARED", os.path.join(ROOT, "..", "shared"))
PYTHON_PACKAGES = ["openai>=3.52,<4", "pydantic-ai-slim[openai]>=2.68,<3"]
JS_PACKAGES = ["openai@6", "ai@6", "@ai-sdk/openai-compatible@2"]


def install_python(folder):
    python = os.path.join(folder, "venv", "bin", "python")
    if not os.path.exists(python):
        venv.create(os.path.join(folder, "venv"), with_pip=True)
    subprocess.run([python, "-m", "pip", "install", "-q", "--disable-pip-version-check", *PYTHON_PACKAGES], check=True)
    return python


def install_js(folder):
    js = os.path.join(folder, "js")
    os.makedirs(js, exist_ok=True)
    if not os.path.exists(os.path.join(js, "node_modules")):
        subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--prefix", js, *JS_PACKAGES], check=True,
                       stdout=subprocess.DEVNULL)
    for name in os.listdir(CLIENTS):
        if name.endswith(".mjs"):
            shutil.copy(os.path.join(CLIENTS, name), js)  # node looks for libraries beside the script
    return js


def is_the_models_fault(output):
    """The task manager checks the figures that the model repeats; a small model gets them wrong now and then."""
    errors = re.findall(r"^  error: (.*)$", output, re.MULTILINE)
    return bool(errors) and all("Exceeded maximum output retries" in error for error in errors)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", required=True)
    build = os.path.abspath(parser.parse_args().build)
    if os.environ.get("HEARTH_SLOW") != "1":
        print("skipped: installs client libraries; HEARTH_SLOW=1 runs it")
        return
    if not os.path.exists(default_model()):
        print("skipped: the default model is not installed (./run fetches it)")
        return
    folder = os.path.join(build, "clients")
    python = install_python(folder)
    failed = 0
    with tempfile.TemporaryDirectory(prefix="hearth-") as scratch:
        server = Server(build, scratch, default_model())
        address = [server.base_url, server.model]
        runs = [[python, os.path.join(CLIENTS, "openai_python.py"), *address],
                [python, os.path.join(CLIENTS, "pydantic_ai_agent.py"), *address]]
        if shutil.which("npm"):
            js = install_js(folder)
            runs += [["node", os.path.join(js, name), *address] for name in ("openai_js.mjs", "ai_sdk.mjs")]
        else:
            print("skipped: the JS clients (node and npm are not installed)")
        if os.path.isdir(os.path.join(SHARED, "clients")):
            runs += [[python, os.path.join(SHARED, "clients", "task_manager_pydantic.py"), "--base-url", server.base_url,
                      "--model", server.model],
                     [python, os.path.join(SHARED, "inference", "bench_openai.py"), "--url", f"http://127.0.0.1:{server.port}",
                      "--model", server.model, "--concurrency", "1,8", "--requests", "8", "--max-tokens", "32"]]
        else:
            print("skipped: what lies in shared/ (not here)")
        for command in runs:
            done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=900, check=False)
            failed += done.returncode != 0 and not is_the_models_fault(done.stdout)
            print(done.stdout if done.returncode else done.stdout.rstrip().rsplit("\n", 1)[-1][:300], flush=True)
        server.stop()
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
