#!/usr/bin/env python3
"""The official conformance suites against the fixture server, and against our client, by npm.

  mcp_conformance_test.py --build BUILD

Expected: of the server every scenario of both requirement sets of 0.2.0-alpha.12, those that are not scored too, and
0.1.16's; of the client every scored one of both sets, and all that are not scored but those that TRIED_NOT names.
Says that it skipped them where npm or its registry is not there.
"""
import argparse
import concurrent.futures
import os
import re
import shutil
import signal
import subprocess
import sys

NEW = "0.2.0-alpha.12"
OLD = "0.1.16"
# version, arguments, scenarios that pass (for the client: those that are scored)
SERVER = [(NEW, ["--requirements", "2025-11-25"], 33), (NEW, ["--requirements", "2026-07-28"], 50), (OLD, [], 30)]
CLIENT = [(NEW, ["--requirements", "2025-11-25"], 18), (NEW, ["--requirements", "2026-07-28"], 32)]
# Ways to log in that hearth does not offer: proofs of possession, and tokens of other identity providers.
TRIED_NOT = {"auth/dpop", "auth/dpop-nonce", "auth/wif-jwt-bearer", "auth/enterprise-managed-authorization"}


def install(folder, version):
    folder = os.path.join(folder, version)
    binaries = os.path.join(folder, "node_modules", ".bin")
    if not os.path.exists(os.path.join(binaries, "conformance")):
        os.makedirs(folder, exist_ok=True)
        done = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--prefix", folder, "node@22",
                               f"@modelcontextprotocol/conformance@{version}"], capture_output=True, text=True, check=False,
                              timeout=600)
        if done.returncode != 0:
            return None
    return binaries


def run(binaries, folder, *arguments):
    """What a suite says at its end. It writes its results where it stands."""
    os.makedirs(folder, exist_ok=True)
    done = subprocess.run(["conformance", *arguments], text=True, timeout=900, cwd=folder, check=False,
                          env={**os.environ, "PATH": binaries + os.pathsep + os.environ["PATH"]},
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.stdout[max(done.stdout.rfind("SUMMARY ==="), 0):]


def test_server(binaries, build, version, arguments, wanted):
    server = subprocess.Popen([os.path.join(build, "tests", "mcp_fixture"), "--http", "0"],
                              stderr=subprocess.PIPE, text=True)
    try:
        port = int(re.search(r"port (\d+)", server.stderr.readline()).group(1))
        summary = run(binaries, os.path.join(build, "conformance", "server" + "".join(arguments) + version), "server",
                      "--url", f"http://127.0.0.1:{port}/mcp", *arguments)
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(10)
    passed = len(re.findall(r"^✓", summary, re.MULTILINE))
    failures = re.findall(r"^✗.*$", summary, re.MULTILINE)
    return f"server {version} {' '.join(arguments)}: {passed} of {wanted}", failures, passed == wanted and not failures


def test_client(binaries, build, version, arguments, wanted):
    command = os.path.join(build, "tests", "mcp_conformance_client")
    summary = run(binaries, os.path.join(build, "conformance", "client" + "".join(arguments) + version), "client",
                  "--command", command, *arguments)
    names = lambda mark: set(re.findall(rf"^{mark} ([\w/-]+)", summary, re.MULTILINE))  # noqa: E731
    failures = sorted(names("✗") - TRIED_NOT)
    passed = len(names("✓"))
    line = f"client {version} {' '.join(arguments)}: {passed} passed, {wanted} wanted at least"
    return line, failures, passed >= wanted and not failures


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", required=True)
    build = os.path.abspath(parser.parse_args().build)
    if not shutil.which("npm"):
        print("skipped: npm is not installed")
        return
    binaries = {version: install(os.path.join(build, "conformance"), version) for version in (NEW, OLD)}
    for version, found in binaries.items():
        if found is None:
            print(f"skipped: conformance {version} could not be fetched from npm's registry")
    jobs = [(test_client, *one) for one in CLIENT] + [(test_server, *one) for one in SERVER]
    failed = 0
    # The suites mostly wait; side by side they take half the time.
    with concurrent.futures.ThreadPoolExecutor(len(jobs)) as pool:
        runs = [pool.submit(job, binaries[version], build, version, arguments, wanted)
                for job, version, arguments, wanted in jobs if binaries[version]]
        for one in runs:
            line, failures, good = one.result()
            print(line, *failures, sep="\n  ", flush=True)
            failed += not good
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
