#!/usr/bin/env python3
"""The commands about model files, as a user gives them: show, imatrix, quantize, and models without a template."""
import argparse
import json
import os
import subprocess
import sys
import tempfile

import architectures
from oracle import GOLDEN, ROOT, Inspector, default_model

TINY = os.path.join(GOLDEN, "tiny", "llama-test-F16.gguf")
VOCABULARY = os.path.join(ROOT, "tests", "golden", "tokenizer", "small.gguf")
TEMPLATE = os.path.join(ROOT, "tests", "golden", "templates", "qwen3.jinja")


class Checks:
    def __init__(self, build):
        self.hearth = os.path.join(build, "hearth")
        self.right = self.total = 0

    def check(self, good, what):
        self.total += 1
        self.right += bool(good)
        if not good:
            print(f"WRONG: {what}")

    def run(self, *args):
        done = subprocess.run([self.hearth, *args], capture_output=True, text=True, check=False)
        return done.returncode, done.stdout, done.stderr

    def show(self, path, *more):
        status, out, errors = self.run("show", path, "--json", *more)
        self.check(status == 0, f"show {path}: {errors}")
        return json.loads(out) if status == 0 else {}


def check_show(c, folder):
    tiny = c.show(TINY, "--tensors")
    model = tiny["model"]
    c.check((model["architecture"], model["layers"], model["embedding"], model["kv_heads"]) == ("llama", 6, 64, 2), model)
    c.check(model["parameters"] == sum(t["weights"] for t in tiny["weights"]["types"]), "all weights are counted")
    c.check(len(tiny["tensors"]) == tiny["file"]["tensors"] == sum(t["tensors"] for t in tiny["weights"]["types"]),
            "all tensors are listed")
    memory = tiny["memory"]
    c.check(memory["kv_bytes_per_token"] == 2 * 2 * 6 * 2 * 16, memory)
    last = memory["contexts"][-1]
    c.check(last["tokens"] == model["context"]
            and last["bytes"] == memory["weights_bytes"] + last["tokens"] * memory["kv_bytes_per_token"], memory)

    vocabulary = c.show(VOCABULARY)
    c.check(vocabulary["tokenizer"]["tokens"] == 3001 and "error" in vocabulary["model"], vocabulary)
    c.check(vocabulary["template"] == {"present": False}, vocabulary["template"])

    for case in architectures.CASES:
        path = os.path.join(folder, "case.gguf")
        architectures.write_gguf(path, case, 1)
        model = c.show(path)["model"]
        c.check(model["architecture"] == case["architecture"] and "error" not in model, f"{case['name']}: {model}")
        c.check(("experts" in model) == ("experts" in case), f"{case['name']}: experts")
        scaling = case["keys"].get("rope.scaling.type", "llama3" if "factors" in case else
                                   "longrope" if case.get("long_rope") else None)
        c.check(model.get("rope_scaling") == scaling, f"{case['name']}: rope scaling {model.get('rope_scaling')}")

    if os.path.exists(default_model()):
        smol = c.show(default_model())
        t = smol["template"]
        c.check((t["system"], t["tools"], t["thinking"]) == (True, False, False), t)
        c.check(smol["model"]["license"] == "apache-2.0" and smol["tokenizer"]["pre"] == "smollm", smol["model"])
        status, out, _ = c.run("show", default_model())
        c.check(status == 0 and "apache-2.0" in out and "Q4_1" in out and "8192" in out, out)
    else:
        print(f"skipped: no file {default_model()}")


def check_quantize(c, folder):
    path = lambda name: os.path.join(folder, name)  # noqa: E731
    status, out, errors = c.run("quantize", TINY, path("q8.gguf"), "q8_0")
    c.check(status == 0 and "Q8_0" in out, out + errors)
    types = {t["type"] for t in c.show(path("q8.gguf"))["weights"]["types"]}
    c.check(types == {"Q8_0", "F32"}, types)
    before = os.stat(path("q8.gguf")).st_mtime_ns
    status, _, errors = c.run("quantize", TINY, path("q8.gguf"), "q4_0")
    c.check(status == 2 and "--force" in errors and os.stat(path("q8.gguf")).st_mtime_ns == before, errors)
    status, out, errors = c.run("quantize", TINY, path("q8.gguf"), "q8_0", "--force")
    c.check(status == 0 and "Q8_0" in out, out + errors)
    status, _, errors = c.run("quantize", path("q8.gguf"), path("q4.gguf"), "q4_0")
    c.check(status == 2 and "--requantize" in errors and not os.path.exists(path("q4.gguf")), errors)
    status, _, errors = c.run("quantize", TINY, path("x.gguf"), "q9")
    c.check(status == 2 and "Q4_K_M" in errors, errors)
    # Logits of the smaller file are near those of the larger one.
    logits = []
    for model in (TINY, path("q8.gguf")):
        inspector = Inspector(os.path.dirname(c.hearth), "logits", "--model", model)
        logits.append(inspector.ask({"ids": [1, 2, 3, 4], "want": list(range(512))})["logits"])
        inspector.close()
    largest = max(abs(x) for x in logits[0].values())
    farthest = max(abs(logits[0][i] - logits[1][i]) for i in logits[0])
    c.check(0 < farthest < 0.05 * largest, f"logits {farthest} apart of {largest}")


def check_imatrix(c, folder):
    path = lambda name: os.path.join(folder, name)  # noqa: E731
    with open(path("text.txt"), "w", encoding="utf-8") as file:
        file.write("A calibration text is like what the model will read. " * 40)
    status, out, errors = c.run("imatrix", path("text.txt"), path("m.gguf"), "--model", TINY, "--chunk", "64",
                                "--chunks", "4")
    c.check(status == 0 and "42 matrices, 4 chunks of 64 tokens" in out, out + errors)
    status, out, errors = c.run("quantize", TINY, path("w.gguf"), "q4_0", "--imatrix", path("m.gguf"))
    c.check(status == 0 and "1 tensors are not in the importance matrix" in out, out + errors)
    status, _, errors = c.run("imatrix", path("text.txt"), path("m.gguf"), "--model", TINY)
    c.check(status == 2 and "--force" in errors, errors)
    status, _, errors = c.run("quantize", TINY, path("w2.gguf"), "q4_0", "--imatrix", TINY)
    c.check(status == 2 and "not an importance matrix" in errors, errors)
    status, _, errors = c.run("imatrix", path("text.txt"), path("n.gguf"), "--model", TINY, "--chunk", "65536")
    c.check(status == 2 and not os.path.exists(path("n.gguf")), errors)


def check_templates(c, folder):
    status, _, errors = c.run("inspect", "template", "--model", VOCABULARY)
    c.check(status == 4 and "no chat template" in errors and "--template" in errors, errors)
    with open(os.path.join(folder, "bad.jinja"), "w", encoding="utf-8") as file:
        file.write("{% for %}")
    status, _, errors = c.run("run", "--model", TINY, "--template", file.name, "hello")
    c.check(status == 2 and "line 1" in errors, errors)
    status, _, errors = c.run("run", "--model", TINY, "--template", file.name + "x", "hello")
    c.check(status == 4 and "bad.jinjax" in errors, errors)
    inspector = Inspector(os.path.dirname(c.hearth), "template", "--template", TEMPLATE)
    reply = inspector.ask({"messages": [{"role": "user", "content": "hello"}], "add_generation_prompt": True,
                           "kwargs": {"enable_thinking": False}})
    inspector.close()
    c.check("hello" in reply.get("text", ""), reply)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", required=True)
    c = Checks(parser.parse_args().build)
    with tempfile.TemporaryDirectory() as folder:
        check_show(c, folder)
        check_quantize(c, folder)
        check_imatrix(c, folder)
        check_templates(c, folder)
    print(f"{c.right} of {c.total}")
    sys.exit(0 if c.right == c.total else 1)


if __name__ == "__main__":
    main()
