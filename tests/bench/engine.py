#!/usr/bin/env python3
"""The engine's speed beside llama.cpp's: what a person waits for, on the same machine in the same minutes.

  engine.sh [--threads 2] [--rounds 3] [--models FOLDER] [--only REGEX] [--save FILE.json]

Each round of a row runs hearth, then llama.cpp with flash attention off and on, then reads memory as fast as
it goes; the best of the rounds counts for each (a shared machine only ever adds time), and the better of
llama.cpp's two. Rows whose model is not in FOLDER are skipped with a word. LLAMA_BIN names a folder with
llama-bench and llama-batched-bench; without it peer_llamacpp.sh builds them.

Goals: a ratio to llama.cpp, or 85 % of what memory gives (bytes of the weights that a token reads, times
tokens a second). The exit status says nothing about them: machines differ.
"""
import argparse
import json
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.dirname(HERE))
from oracle import SHARED, default_model  # noqa: E402

# Model, what is done, and the goal: a ratio; "85 %" of the memory's speed; or milliseconds.
SMOL, SMOL8, SMOL4 = "SmolLM2 Q4_1", "SmolLM2 Q8_0", "SmolLM2 Q4_0"
GEMMA, Q06_8, Q06_4, Q06_16 = "Gemma 3 270M Q4_K_M", "Qwen3 0.6B Q8_0", "Qwen3 0.6B Q4_K_M", "Qwen3 0.6B BF16"
Q4, Q8 = "Qwen3 4B Q4_K_M", "Qwen3 8B Q4_K_M"
FILES = {SMOL8: "smollm2-q8_0.gguf", SMOL4: "smollm2-q4_0.gguf", GEMMA: "gemma3-270m-q4_k_m.gguf",
         Q06_8: "qwen3-0.6b-Q8_0.gguf", Q06_4: "qwen3-0.6b-Q4_K_M.gguf", Q06_16: "qwen3-0.6b-BF16.gguf",
         Q4: "qwen3-4b-Q4_K_M.gguf", Q8: "qwen3-8b-Q4_K_M.gguf"}
ROWS = [(SMOL, "decode", 2.0), (SMOL8, "decode", 1.7), (SMOL4, "decode", 1.5), (GEMMA, "decode", 2.0),
        (Q06_8, "decode", "85 %"), (Q06_4, "decode", "85 %"), (Q06_16, "decode", "85 %"),
        (Q4, "decode", "85 %"), (Q8, "decode", "85 %"),
        (SMOL, "decode at 2048", 3.0), (SMOL, "decode at 8128", 3.0),
        (SMOL, "prefill", 5.0), (SMOL8, "prefill", 3.0), (SMOL4, "prefill", 1.5),
        (Q06_8, "prefill", 4.0), (Q06_4, "prefill", 2.5), (Q06_16, "prefill", 1.2), (Q4, "prefill", 2.0),
        (SMOL, "decode of 4", 4.5), (SMOL, "decode of 8", 5.0), (Q06_8, "decode of 4", 4.5),
        (Q06_8, "decode of 8", 4.0), (SMOL, "load", 100)]
PROMPT, GENERATED, BATCH_PROMPT = 512, 64, 128


def output(command, env=None):
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **(env or {})},
                          check=False)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    return done.stdout


class Bench:
    def __init__(self, arguments):
        self.threads = arguments.threads
        self.hearth = os.path.join(ROOT, "build", "hearth")
        self.llama = os.environ.get("LLAMA_BIN") or output([os.path.join(HERE, "peer_llamacpp.sh")]).strip()
        self.bandwidth = self.build_bandwidth()

    @staticmethod
    def build_bandwidth():
        """The program that reads memory, or None: then hearth's own measurement stands in."""
        source = os.path.join(SHARED, "bandwidth.c")
        if not os.path.exists(source):
            return None
        program = os.path.join(ROOT, "build", "bandwidth")
        output(["cc", "-O3", "-march=native", "-pthread", source, "-o", program])
        return program

    def ours(self, model, work):
        flags = {"prefill": ["--prompt", PROMPT, "--gen", 0], "load": ["--prompt", 0, "--gen", 1],
                 "decode": ["--prompt", 0, "--gen", GENERATED]}.get(work)
        if flags is None:
            number = int(work.split()[-1])
            flags = ["--prompt", 0, "--gen", GENERATED]
            flags += ["--depth", number] if " at " in work else ["--depth", BATCH_PROMPT, "--batch", number]
        report = json.loads(output([self.hearth, "bench", "--model", model, "--threads", str(self.threads),
                                    "--repeat", "2", "--pin", "--json", *map(str, flags)]))
        key = {"prefill": "prefill_tok_s", "load": "load_ms"}.get(work, "decode_tok_s")
        return report[key], report["weight_mb_per_token"] / 1e3, report["read_gb_s"]

    def theirs(self, model, work, flash):
        env = {"GOMP_CPU_AFFINITY": " ".join(map(str, range(self.threads))), "LD_LIBRARY_PATH": self.llama}
        base = ["-m", model, "-t", str(self.threads), "-fa", str(flash)]
        if work.startswith("decode of "):
            together = work.split()[-1]
            lines = output([os.path.join(self.llama, "llama-batched-bench"), *base, "-c", "4096", "-npp",
                            str(BATCH_PROMPT), "-ntg", str(GENERATED), "-npl", together, "--output-format",
                            "jsonl"], env)
            return max(json.loads(line)["speed_tg"] for line in lines.splitlines() if line.startswith("{"))
        prompt, generated = (PROMPT, 0) if work == "prefill" else (0, GENERATED)
        depth = work.split()[-1] if " at " in work else "0"
        rows = json.loads(output([os.path.join(self.llama, "llama-bench"), *base, "-p", str(prompt), "-n",
                                  str(generated), "-d", depth, "-r", "2", "-o", "json"], env))
        return max(max(row["samples_ts"]) for row in rows)

    def memory(self):
        if self.bandwidth is None:
            return 0.0
        return float(re.search(r"best=([\d.]+)", output([self.bandwidth, str(self.threads), "512", "h"]))[1])


def measure(bench, model, work, goal, rounds):
    row = {"ours": 0.0, "theirs": 0.0, "memory": 0.0}
    for _ in range(rounds):
        ours, gigabytes, read = bench.ours(model, work)
        row["ours"] = min(row["ours"] or ours, ours) if work == "load" else max(row["ours"], ours)
        if work == "load":
            continue
        for flash in (0, 1):
            row["theirs"] = max(row["theirs"], bench.theirs(model, work, flash))
        row["memory"] = max(row["memory"], bench.memory() or read)
        row["read"] = row["ours"] * gigabytes
    if work == "load":
        row["reached"] = row["ours"] <= goal
        return row
    row["ratio"] = row["ours"] / row["theirs"]
    share = row["read"] / row["memory"] if work == "decode" else 0.0
    row["share"] = share
    row["reached"] = share >= 0.85 or (goal != "85 %" and row["ratio"] >= goal)
    return row


def show(model, work, goal, row):
    if work == "load":
        return f"| {model} | load, ms | {row['ours']:.0f} | | | | <= {goal} | {'yes' if row['reached'] else 'no'} |"
    wanted = goal if isinstance(goal, str) else f"{goal}x"
    share = f"{100 * row['share']:.0f} % of {row['memory']:.0f}" if row["share"] else ""
    return (f"| {model} | {work} | {row['ours']:.0f} | {row['theirs']:.0f} | {row['ratio']:.2f}x | {share} "
            f"| {wanted} | {'yes' if row['reached'] else 'no'} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--models", default=os.path.dirname(default_model()), help="folder of the GGUF files")
    parser.add_argument("--only", default="", help="rows that match, such as 'Q4_1 decode$'")
    parser.add_argument("--save", help="write the rows as JSON too (chart.py draws them)")
    a = parser.parse_args()
    wanted = [row for row in ROWS if re.search(a.only, f"{row[0]} {row[1]}")]
    files = {name: os.path.join(a.models, file) for name, file in FILES.items()} | {SMOL: default_model()}
    for name in sorted({row[0] for row in wanted}):
        if not os.path.exists(files[name]):
            print(f"skipped: {name}, there is no {files[name]}", file=sys.stderr)
    bench = Bench(a)
    saved = []
    print(f"{a.threads} threads, best of {a.rounds} rounds, tokens/s (prompts of {PROMPT}; {GENERATED} tokens "
          "written); GB/s of memory")
    print("| model | work | hearth | llama.cpp | ratio | memory read | goal | reached |\n|---|---|---|---|---|---|---|---|")
    for model, work, goal in wanted:
        if not os.path.exists(files[model]):
            continue
        row = measure(bench, files[model], work, goal, a.rounds)
        print(show(model, work, goal, row), flush=True)
        saved.append({"model": model, "work": work, "goal": goal, **row})
    if a.save:
        with open(a.save, "w", encoding="utf-8") as file:
            json.dump(saved, file, indent=1)
            file.write("\n")


if __name__ == "__main__":
    main()
