#!/usr/bin/env python3
"""Prefill and decode speed beside llama.cpp, in turns on the same machine in the same minutes.

  engine.py [--threads 2] [--rounds 3] [--prompt 512] [--gen 64] [--depth 0] [MODEL.gguf ...]

Each round runs hearth, then llama.cpp with flash attention off and on; the best of the rounds counts for
each (a shared machine only ever adds time), and the better of llama.cpp's two. Set LLAMA_BIN to a folder
with llama-bench, or the script builds it (peer_llamacpp.sh).
"""
import argparse
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.dirname(HERE))
from oracle import default_model  # noqa: E402


def run(command, env=None):
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **(env or {})},
                          check=False)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout)


def hearth(model, a):
    report = run([os.path.join(ROOT, "build", "hearth"), "bench", "--model", model, "--threads",
                  str(a.threads), "--prompt", str(a.prompt), "--gen", str(a.gen), "--depth",
                  str(a.depth), "--repeat", "2", "--pin", "--json"])
    return report["prefill_tok_s"], report["decode_tok_s"], report


def llama(binaries, model, a, flash):
    rows = run([os.path.join(binaries, "llama-bench"), "-m", model, "-t", str(a.threads), "-p",
                str(a.prompt), "-n", str(a.gen), "-d", str(a.depth), "-fa", str(flash), "-r", "2",
                "-o", "json"],
               {"GOMP_CPU_AFFINITY": " ".join(map(str, range(a.threads)))})
    best = {("prompt" if row["n_gen"] == 0 else "gen"): max(row["samples_ts"]) for row in rows}
    return best["prompt"], best["gen"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", default=[default_model()])
    for name, default in (("threads", 2), ("rounds", 3), ("prompt", 512), ("gen", 64), ("depth", 0)):
        parser.add_argument(f"--{name}", type=int, default=default)
    a = parser.parse_args()
    binaries = os.environ.get("LLAMA_BIN") or subprocess.run(
        [os.path.join(HERE, "peer_llamacpp.sh")], stdout=subprocess.PIPE, text=True,
        check=True).stdout.strip()
    print(f"{a.threads} threads, prompt {a.prompt}, {a.gen} tokens written at depth {a.depth}; tokens/s, "
          f"best of {a.rounds} rounds")
    print("| model | prefill hearth | llama.cpp | ratio | decode hearth | llama.cpp | ratio | read GB/s |")
    print("|---|---|---|---|---|---|---|---|")
    for model in a.models:
        ours, theirs, reads = [0.0, 0.0], [0.0, 0.0], []
        for _ in range(a.rounds):
            prefill, decode, report = hearth(model, a)
            ours = [max(ours[0], prefill), max(ours[1], decode)]
            reads.append(report["read_gb_s"])
            for flash in (0, 1):
                prefill, decode = llama(binaries, model, a, flash)
                theirs = [max(theirs[0], prefill), max(theirs[1], decode)]
        print(f"| {os.path.basename(model)} | {ours[0]:.0f} | {theirs[0]:.0f} | {ours[0] / theirs[0]:.2f}x "
              f"| {ours[1]:.0f} | {theirs[1]:.0f} | {ours[1] / theirs[1]:.2f}x | {max(reads):.0f} |",
              flush=True)


if __name__ == "__main__":
    main()
