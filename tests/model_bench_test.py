#!/usr/bin/env python3
"""model-bench on the CPU: every number is there and can be true, and what it cannot do it says."""
import argparse
import json
import os
import subprocess
import tempfile

from checks import check, finish

SHAPE = "test256"
# Bytes of a block, elements in it.
BLOCKS = {"Q8_0": (34, 32), "Q4_K": (144, 256), "BF16": (2, 1)}
ELEMENTS = 2 * (256 * 256 * 2 + 256 * 128 * 2 + 3 * 256 * 512) + 256 * 512  # layers and head


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", required=True)
    build = parser.parse_args().build

    def run(*args):
        return subprocess.run([os.path.join(build, "model-bench"), *args], capture_output=True, text=True,
                              check=False)

    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "bench.json")
        for kind, (size, elements) in BLOCKS.items():
            done = run("--synthetic", f"{SHAPE}:{kind}", "--prompt", "48", "--tokens", "4", "--sequences", "3",
                       "--context", "200", "--rounds", "1", "--threads", "1", "--json", out)
            check(done.returncode == 0, f"{kind} runs: {done.stderr}")
            with open(out, encoding="utf-8") as file:
                report = json.load(file)
            rows = {row["name"]: row for row in report["rows"]}
            decodes = ["decode", "decode, 3 sequences"]
            drawn = {f"{name}, {how}": name for name in decodes for how in ("drawn", "constrained")}
            wanted = ["copy", "loading", "decode", "decode, drawn", "decode, constrained", "prefill of 48",
                      "decode, 3 sequences", "decode, 3 sequences, drawn", "decode, 3 sequences, constrained",
                      "attention to 200, decoding", "attention to 200, reading", "first token of 32 more after 200",
                      "KV saved", "KV restored", "first token of 32 more after 200, restored"]
            check(list(rows) == wanted, f"{kind}: rows {list(rows)}")
            # Attention is told by a difference, which a busy machine may hide.
            check(all((row["value"] or name.startswith("attention")) and (row["value"] or 1) > 0
                      for name, row in rows.items()), f"{kind}: numbers above zero")
            held = report["weight_bytes_per_token"] / (ELEMENTS * size / elements)
            check(0.95 < held < 1.3, f"{kind}: a token reads {held} times the file's weights")
            check(report["kv_bytes_per_token_of_context"] == 2 * 2 * 2 * 64 * 2, "bytes of keys and values")
            check(all(0.95 < rows[name]["limit"] / rows[plain]["value"] < 1.05 for name, plain in drawn.items()),
                  f"{kind}: drawn and constrained tokens are held against the likeliest")
            check(rows["decode"]["share"] > 0 and "share" not in rows["copy"], f"{kind}: shares {rows}")
            check(all(name in done.stdout for name in wanted), f"{kind}: the table has every row")
    for args, words in [(("--synthetic", "qwen9:Q8_0"), "qwen3-8b"), (("--synthetic", "qwen3-8b"), "after a colon"),
                        (("--synthetic", f"{SHAPE}:Q8_0", "--prompt", "0"), "--prompt"), ((), "--synthetic"),
                        (("--model", "/nowhere.gguf"), "/nowhere.gguf"),
                        (("--synthetic", f"{SHAPE}:Q8_0", "--context", "4000"), "2048")]:
        done = run(*args)
        check(done.returncode == 1 and words in done.stderr, f"{args}: {done.stderr}")
    check("--synthetic" in run("--help").stdout, "--help")
    finish()


if __name__ == "__main__":
    main()
