#!/usr/bin/env python3
"""The official conformance suites against the fixture server, by npm.

  mcp_conformance_test.py --build BUILD

Expected: every scored scenario of both requirement sets of 0.2.0-alpha.12, its unscored ones too, and 0.1.16's.
Says that it skipped them where npm or its registry is not there.
"""
import argparse
import os
import re
import shutil
import signal
import subprocess
import sys

SUITES = [("0.2.0-alpha.12", ["--requirements", "2025-11-25"], 33),
          ("0.2.0-alpha.12", ["--requirements", "2026-07-28"], 50),
          ("0.1.16", [], 30)]


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


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", required=True)
    build = os.path.abspath(parser.parse_args().build)
    if not shutil.which("npm"):
        print("skipped: npm is not installed")
        return
    server = subprocess.Popen([os.path.join(build, "tests", "mcp_fixture"), "--http", "0"],
                              stderr=subprocess.PIPE, text=True)
    failed = 0
    try:
        port = int(re.search(r"port (\d+)", server.stderr.readline()).group(1))
        for version, arguments, wanted in SUITES:
            binaries = install(os.path.join(build, "conformance"), version)
            if binaries is None:
                print(f"skipped: conformance {version} could not be fetched from npm")
                continue
            done = subprocess.run(["conformance", "server", "--url", f"http://127.0.0.1:{port}/mcp", *arguments], text=True,
                                  env={**os.environ, "PATH": binaries + os.pathsep + os.environ["PATH"]}, timeout=900,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
            summary = done.stdout[done.stdout.rfind("=== SUMMARY"):]
            passed = len(re.findall(r"^✓", summary, re.MULTILINE))
            failures = re.findall(r"^✗.*$", summary, re.MULTILINE)
            print(f"{version} {' '.join(arguments)}: {passed} of {wanted}", *failures, sep="\n  ", flush=True)
            failed += passed != wanted or bool(failures)
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(10)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
