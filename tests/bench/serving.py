#!/usr/bin/env python3
"""Many clients at once: our server beside llama.cpp's, on the same machine in the same minutes, and what the
engine's mechanisms are worth without a server.

  serving.sh [--build BUILD] [--threads 2] [--rounds 1] [--only REGEX] [--model FILE] [--shape FILE] [--save FILE.json]

The load is bench_openai.py of the shared folder. Both servers honour ignore_eos and write equal counts, greedily.
Each round of a row starts a fresh server of each kind; the best of the rounds counts for each (a shared machine only
ever adds time). LLAMA_BIN names a folder with llama-server; without it peer_llamacpp.sh builds it. The exit status
says nothing about goals: machines differ.
"""
import argparse
import http.client
import json
import os
import random
import re
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.dirname(HERE))
from oracle import SHARED, default_model  # noqa: E402

# What is done, how the load is made, and what the goals are.
LOADS = {
    "8 clients, 300 + 96": {"clients": 8, "requests": 8, "flags": ["--prompt-tokens", "300", "--max-tokens", "96"],
                            "goals": "TTFT p99 0.4x, output 3x, gap 150 ms"},
    "4 clients, shared 540": {"clients": 4, "requests": 4,
                              "flags": ["--prompt-tokens", "540", "--max-tokens", "32", "--shared-prefix"],
                              "goals": "95 % reused, TTFT p99 0.15x"},
    "16 clients, shared 540": {"clients": 16, "requests": 16,
                               "flags": ["--prompt-tokens", "540", "--max-tokens", "32", "--shared-prefix"],
                               "goals": "95 % reused, TTFT p99 0.15x"},
}
ENGINE = {"lookup": "1.8x", "prose": "0.98x", "clients": "1.0x", "lora": "0.9x", "chunks": "0.95x", "turn": "one pass + 15 ms",
          "kv": "4 % wasted",
          "rss": "80 MiB over the weights"}


class Peer:
    """A server under load; stop() ends it."""

    def __init__(self, name, command, port, env=None):
        self.name, self.port = name, port
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                        env={**os.environ, **(env or {})})
        for _ in range(600):
            try:
                if self.request("GET", "/healthz" if name == "hearth" else "/health")[0] == 200:
                    return
            except OSError:
                pass
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise SystemExit(f"{name} did not start: {' '.join(command)}")

    def request(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        connection.request(method, path, json.dumps(body) if body else None, {"Content-Type": "application/json"})
        response = connection.getresponse()
        return response.status, response

    def stop(self):
        self.process.kill()
        self.process.wait()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Bench:
    def __init__(self, arguments, scratch):
        self.arguments, self.scratch = arguments, scratch
        self.llama = os.environ.get("LLAMA_BIN") or subprocess.run(
            [os.path.join(HERE, "peer_llamacpp.sh")], capture_output=True, text=True, check=True).stdout.strip()

    def start(self, kind, slots):
        port, threads, model = free_port(), str(self.arguments.threads), self.arguments.model
        if kind == "hearth":
            env = {"XDG_DATA_HOME": self.scratch, "XDG_CONFIG_HOME": self.scratch, "HEARTH_MAX_SEQUENCES": str(slots),
                   "HEARTH_LOG": "error"}
            program = os.path.join(self.arguments.build, "hearth")
            return Peer(kind, [program, "serve", "--model", model, "--threads", threads, "--port", str(port)], port, env)
        program = os.path.join(self.llama, "llama-server")
        return Peer(kind, [program, "-m", model, "-t", threads, "-tb", threads, "-c", str(2048 * slots), "-np", str(slots),
                           "-fa", "on", "--port", str(port), "--log-disable"], port)

    def load(self, row, kind):
        server = self.start(kind, max(8, row["clients"]))
        try:
            self.warm_up(server)
            command = [sys.executable, os.path.join(SHARED, "bench_openai.py"), "--url", f"http://127.0.0.1:{server.port}",
                       "--model", "default", "--concurrency", str(row["clients"]), "--requests", str(row["requests"]),
                       "--extra", '{"ignore_eos": true}', "--seed", "1", *row["flags"]]
            return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        finally:
            server.stop()

    def warm_up(self, server):
        body = {"model": "default", "max_tokens": 4, "messages": [{"role": "user", "content": "Hello"}]}
        status, response = server.request("POST", "/v1/chat/completions", body)
        if status != 200:
            raise SystemExit(f"{server.name}: {response.read()[:500]}")
        response.read()

    def first_token(self, server, messages):
        """Milliseconds to the first token, the usage, and the text."""
        body = {"model": "default", "max_tokens": 16, "temperature": 0, "stream": True, "ignore_eos": True, "messages": messages,
                "stream_options": {"include_usage": True}}
        start = time.perf_counter()
        _, response = server.request("POST", "/v1/chat/completions", body)
        first, usage, text = None, None, ""
        for line in response:
            if not line.startswith(b"data: {"):
                continue
            chunk = json.loads(line[6:])
            usage = chunk.get("usage") or usage
            for choice in chunk["choices"]:
                if choice["delta"].get("content"):
                    first = first or (time.perf_counter() - start) * 1e3
                    text += choice["delta"]["content"]
        return first, usage, text

    def second_turn(self, kind):
        server = self.start(kind, 8)
        try:
            self.warm_up(server)
            words = random.Random(3)
            story = " ".join(words.choice(["river", "market", "window", "paper", "doctor", "winter"]) for _ in range(1900))
            messages = [{"role": "user", "content": story}]
            _, _, answer = self.first_token(server, messages)
            messages += [{"role": "assistant", "content": answer}, {"role": "user", "content": "And then what happened?"}]
            second, usage, _ = self.first_token(server, messages)
            new = usage["prompt_tokens"] - usage["prompt_tokens_details"]["cached_tokens"]
            return {"second_turn_ms": round(second, 1), "prompt_tokens": usage["prompt_tokens"], "new_tokens": new}
        finally:
            server.stop()

    def engine(self, work, model):
        command = [os.path.join(self.arguments.build, "tests", "engine_bench"), "--model", model, "--threads",
                   str(self.arguments.threads), "--rounds", str(self.arguments.rounds + 1), work]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
        return [json.loads(line) for line in done.stdout.splitlines()]


def better(a, b):
    return b if a is None or b["wall_s"] < a["wall_s"] else a


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=os.path.join(ROOT, "build"))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--only", default="")
    parser.add_argument("--model", default=default_model())
    parser.add_argument("--shape", default="", help="a model of Qwen3-0.6B's shape, for the scripted drafter")
    parser.add_argument("--save", default="")
    arguments = parser.parse_args()
    report = {}
    with tempfile.TemporaryDirectory(prefix="hearth-") as scratch:
        bench = Bench(arguments, scratch)
        for name, row in LOADS.items():
            if not re.search(arguments.only, name):
                continue
            best = {"hearth": None, "llama.cpp": None}
            for _ in range(arguments.rounds):
                for kind in best:
                    best[kind] = better(best[kind], bench.load(row, kind))
            report[name] = best
            ours, theirs = best["hearth"], best["llama.cpp"]
            # The first client's prompt cannot be found anywhere.
            per_client = ours["prompt_tokens"] / row["requests"]
            reusable = per_client * (row["requests"] - 1)
            print(f"| {name} | TTFT p99 {ours['ttft_ms']['p99']:.0f} / {theirs['ttft_ms']['p99']:.0f} ms "
                  f"({ours['ttft_ms']['p99'] / theirs['ttft_ms']['p99']:.2f}x) | output {ours['output_tok_s']:.0f} / "
                  f"{theirs['output_tok_s']:.0f} tok/s ({ours['output_tok_s'] / theirs['output_tok_s']:.2f}x) | largest gap "
                  f"{ours['itl_ms']['max']:.0f} / {theirs['itl_ms']['max']:.0f} ms | reused "
                  f"{100 * ours['cached_prompt_tokens'] / reusable:.0f} / "
                  f"{100 * theirs['cached_prompt_tokens'] / reusable:.0f} % | {row['goals']} |", flush=True)
        if re.search(arguments.only, "second turn"):
            for kind in ("hearth", "llama.cpp"):
                turns = [bench.second_turn(kind) for _ in range(arguments.rounds)]
                report["second turn, " + kind] = min(turns, key=lambda t: t["second_turn_ms"])
                print(f"| second turn, {kind} | {report['second turn, ' + kind]} | one prefill + 15 ms |", flush=True)
        works = [(work, arguments.model, goal) for work, goal in ENGINE.items()]
        if arguments.shape:
            works.append(("drafter", arguments.shape, "60: 1.8x, 80: 2.5x"))
        for work, model, goal in works:
            if not re.search(arguments.only, work):
                continue
            for result in bench.engine(work, model):
                report[result["work"]] = result
                print(f"| {result.pop('work')} | {json.dumps(result)} | {goal} |", flush=True)
    if arguments.save:
        with open(arguments.save, "w", encoding="utf-8") as file:
            json.dump(report, file, indent=1)


if __name__ == "__main__":
    main()
