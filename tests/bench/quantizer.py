#!/usr/bin/env python3
"""hearth's quantizer beside llama.cpp's: which type each tensor gets, and what it costs in perplexity.

  quantizer.py MODEL-F16.gguf --text TEXT [--calibration TEXT] [--types Q4_K_M,Q5_K_M] [--chunks 20] [--scratch DIR]

Each type is made by both without an importance matrix and, with --calibration, also with one and the same
matrix (`hearth imatrix` writes it, both read it). hearth runs all files: chunks of 512 tokens of TEXT, of which
the second half counts. "off" is the mean distance of a token's log-probability from the F16 file's, which tells
two quantizers apart with less noise than perplexity does. Set LLAMA_BIN to a folder with llama-quantize, or the
script builds it (peer_llamacpp.sh).
"""
import argparse
import json
import math
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.dirname(HERE))
from oracle import Inspector  # noqa: E402

BUILD = os.path.join(ROOT, "build")
HEARTH = os.path.join(BUILD, "hearth")
CHUNK = 512


def run(command):
    env = dict(os.environ)
    if os.path.basename(command[0]).startswith("llama"):
        env["LD_LIBRARY_PATH"] = os.path.dirname(command[0])
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", env=env, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout[-1000:]}{done.stderr[-1000:]}")
    return done.stdout


def tokens_of(model, text):
    inspector = Inspector(BUILD, "tokenize", "--model", model)
    with open(text, encoding="utf-8", errors="replace") as file:
        ids = inspector.ask({"text": file.read(), "parse_special": False, "add_bos": False})["ids"]
    bos = inspector.ask({"text": "", "parse_special": False, "add_bos": "auto"})["ids"]
    inspector.close()
    size = CHUNK - len(bos)
    return [bos + ids[i:i + size] for i in range(0, len(ids) - size + 1, size)]


def logprobs(model, chunks):
    inspector = Inspector(BUILD, "logits", "--model", model, "--kv-type", "f16")
    out = []
    for ids in chunks:
        out += inspector.ask({"ids": ids, "logprobs": True})["logprobs"][CHUNK // 2 - 1:]
    inspector.close()
    return out


def tensor_types(model):
    """{tensor: type}, read by hearth's own reader of GGUF files."""
    return {t["name"]: t["type"] for t in json.loads(run([HEARTH, "show", model, "--json", "--tensors"]))["tensors"]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--text", required=True)
    parser.add_argument("--calibration")
    parser.add_argument("--types", default="Q4_K_M,Q5_K_M,Q6_K,Q4_0,Q4_1,Q5_0,Q5_1,Q8_0")
    parser.add_argument("--chunks", type=int, default=20)
    a = parser.parse_args()
    binaries = os.environ.get("LLAMA_BIN") or subprocess.run(
        [os.path.join(HERE, "peer_llamacpp.sh")], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    chunks = tokens_of(a.model, a.text)[:a.chunks]
    exact = logprobs(a.model, chunks)
    perplexity = lambda values: math.exp(-sum(values) / len(values))  # noqa: E731
    print(f"{os.path.basename(a.model)}: {len(chunks)} chunks of {CHUNK}, perplexity {perplexity(exact):.4f}")
    print("| type | matrix | tensor types equal | perplexity hearth | llama.cpp | off hearth | llama.cpp |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        matrix = os.path.join(folder, "imatrix.gguf")
        if a.calibration:
            run([HEARTH, "imatrix", a.calibration, matrix, "--model", a.model, "--chunks", "60"])
        for kind in a.types.split(","):
            for weighted in [False, True] if a.calibration else [False]:
                ours, theirs = os.path.join(folder, "ours.gguf"), os.path.join(folder, "theirs.gguf")
                run([HEARTH, "quantize", a.model, ours, kind] + (["--imatrix", matrix] if weighted else []))
                run([os.path.join(binaries, "llama-quantize")] + (["--imatrix", matrix] if weighted else [])
                    + [a.model, theirs, kind])
                types = [tensor_types(path) for path in (ours, theirs)]
                equal = sum(types[0].get(name) == kind_there for name, kind_there in types[1].items())
                row = [logprobs(path, chunks) for path in (ours, theirs)]
                off = [sum(abs(x - y) for x, y in zip(values, exact)) / len(exact) for values in row]
                print(f"| {kind} | {'yes' if weighted else 'no'} | {equal} of {len(types[1])} | "
                      f"{perplexity(row[0]):.4f} | {perplexity(row[1]):.4f} | {off[0]:.5f} | {off[1]:.5f} |",
                      flush=True)


if __name__ == "__main__":
    main()
