#!/usr/bin/env python3
"""Logits of every architecture against transformers, on tiny random models (architectures.py).

Expected logits of one set of weights are kept in golden/; where torch and transformers are at hand (this
Python, or the one that $HEARTH_ORACLE_PYTHON names) other weights are computed on the spot.
With --update and transformers the golden file is written anew.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

import architectures
from oracle import ROOT, Inspector, instruction_sets, load

GOLDEN = os.path.join(ROOT, "tests", "golden", "architectures.json")
GOLDEN_SEED, LIVE_SEED = 1, 2
ALLOWED = 0.02  # as for files of full precision in the other logits test


def transformers_logits(seed):
    """What transformers computes, or None where it is not there."""
    python = os.environ.get("HEARTH_ORACLE_PYTHON", sys.executable)
    if subprocess.run([python, "-c", "import torch, transformers"], capture_output=True,
                      check=False).returncode != 0:
        return None
    script = os.path.join(ROOT, "tests", "architectures.py")
    return json.loads(subprocess.run([python, script, str(seed)], capture_output=True, check=True).stdout)


def worst_distance(inspector, prompts):
    """The farthest logit and log-probability, and the largest logit there is."""
    worst = top = 0.0
    for one in prompts:
        reply = inspector.ask({"ids": architectures.prompt(one["length"]), "logprobs": True,
                               "want": list(range(architectures.VOCAB))})
        pairs = [(x, reply["logits"][str(i)]) for i, x in enumerate(one["logits"])]
        pairs += list(zip(one["logprobs"], reply["logprobs"]))
        assert len(reply["logprobs"]) == len(one["logprobs"])
        worst = max(worst, max(abs(a - b) for a, b in pairs))
        top = max(top, max(abs(x) for x in one["logits"]))
    return worst, top


def check(build, expected, seed, origin):
    right = total = 0
    backends = [("reference", None)] + [("cpu", name) for name in instruction_sets()]
    with tempfile.TemporaryDirectory() as folder:
        for case in architectures.CASES:
            path = os.path.join(folder, case["name"] + ".gguf")
            architectures.write_gguf(path, case, seed)
            line = []
            for backend, instructions in backends:
                inspector = Inspector(build, "logits", "--model", path, "--backend", backend, "--kv-type", "f32",
                                      "--context", str(case["context"]),
                                      env={"HEARTH_CPU": instructions} if instructions else None)
                worst, top = worst_distance(inspector, expected[case["name"]])
                inspector.close()
                good = worst <= ALLOWED
                right += good
                total += 1
                line.append(f"{instructions or backend} {worst:.6f}" + ("" if good else " <-- WRONG"))
            print(f"{origin} {case['name']} (logits to {top:.1f}): {', '.join(line)}", flush=True)
    return right, total


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", required=True)
    parser.add_argument("--update", action="store_true")
    arguments = parser.parse_args()
    if arguments.update:
        expected = transformers_logits(GOLDEN_SEED)
        if expected is None:
            raise SystemExit("no transformers here")
        with open(GOLDEN, "w", encoding="utf-8") as file:
            file.write("{" + ",\n".join(f"{json.dumps(name)}: {json.dumps(one)}"
                                        for name, one in expected.items()) + "}\n")
    right, total = check(arguments.build, load(GOLDEN), GOLDEN_SEED, "golden")
    live = transformers_logits(LIVE_SEED)
    if live is None:
        print("skipped: other weights, no torch and transformers here")
    else:
        more_right, more_total = check(arguments.build, live, LIVE_SEED, "live")
        right, total = right + more_right, total + more_total
    print(f"{right} of {total}")
    raise SystemExit(0 if total > 0 and right == total else 1)


if __name__ == "__main__":
    main()
