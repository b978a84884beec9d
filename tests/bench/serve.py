#!/usr/bin/env python3
"""What the listener itself costs: requests a second and latencies of /v1/models, CPU and memory at rest.

  serve.py --build BUILD [--seconds 10] [--connections 10] [--model FILE]

The load comes from npm's autocannon (npx fetches it). Run it on a quiet machine: client and server share its cores.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from oracle import default_model  # noqa: E402
from serving_process import Server  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", required=True)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--connections", type=int, default=10)
    parser.add_argument("--model", default=default_model())
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hearth-") as scratch:
        server = Server(os.path.abspath(arguments.build), scratch, arguments.model)
        time.sleep(1)
        before = server.cpu_seconds()
        time.sleep(arguments.seconds)
        idle = (server.cpu_seconds() - before) / arguments.seconds * 100
        rested = server.memory_kib() / 1024
        load = subprocess.run(["npx", "--yes", "autocannon", "--json", "-d", str(arguments.seconds), "-c", str(arguments.connections),
                               server.base_url + "/models"], capture_output=True, text=True, check=True)
        figures = json.loads(load.stdout)
        print(json.dumps({
            "requests_per_second": figures["requests"]["average"], "requests": figures["requests"]["total"],
            "latency_ms": {k: figures["latency"][k] for k in ("p50", "p99", "max")},
            "errors": figures["errors"] + figures["non2xx"], "connections": arguments.connections,
            "idle_cpu_percent": round(idle, 3), "resident_mib": round(rested, 1),
            "resident_after_load_mib": round(server.memory_kib() / 1024, 1)}))
        server.stop()


if __name__ == "__main__":
    main()
