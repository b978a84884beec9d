#!/usr/bin/env python3
"""The grammar engine beside llguidance and XGrammar: the same requests, in turns, by one protocol.

  grammar.py [--vocab 49k 151k 262k] [--peer llg xgr] [--limit N] [--part I/N] [--save F] [--join F...]

Needs the shared data folder (../shared/grammar, or HEARTH_SHARED) and, for the peers, PEER_PYTHON, a
Python with the packages llguidance, xgrammar, torch, numpy; TOKENIZERS is a folder with
NAME/tokenizer.json for llguidance (NAME: qwen3-151k, gemma3-262k; SmolLM2's is in the data). Every
figure is taken over the schemas that both engines compile. --part runs one slice of the schemas and
--save keeps its rows, so that a long run can be cut into short ones; --join prints the table of several.
"""
import argparse
import gzip
import json
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
SHARED = os.environ.get("HEARTH_SHARED") or os.path.join(ROOT, "..", "shared")
DATA = os.path.join(SHARED, "grammar")
VOCABULARIES = {"49k": "smollm2-49k", "151k": "qwen3-151k", "262k": "gemma3-262k"}
SECONDS = {"ours": 30, "llg": 30, "xgr": 20}  # a schema
PARTS = ("compile_us", "ttfm_us", "mask_us", "mask_cold_us")


def load(name, limit, part):
    schemas = []
    folder = os.path.join(DATA, "schemas")
    for file in sorted(os.listdir(folder)):
        with open(os.path.join(folder, file), encoding="utf-8") as lines:
            schemas += [json.loads(line) for line in lines]
    if limit:
        schemas = schemas[:: max(1, len(schemas) // limit)][:limit]
    index, count = (int(x) for x in part.split("/"))
    schemas = schemas[index::count]
    wanted = {s["id"] for s in schemas}
    tokens = {}
    with gzip.open(os.path.join(DATA, f"replay-{name}.jsonl.gz"), "rt") as lines:
        for line in lines:
            replay = json.loads(line)
            if replay["id"] in wanted:
                tokens[replay["id"], replay["i"]] = replay["tokens"]
    return schemas, tokens


def command(engine, name):
    vocab = ["--vocab", os.path.join(DATA, f"vocab-{name}.gvoc")]
    if engine == "ours":
        hearth = os.environ.get("HEARTH", os.path.join(ROOT, "build", "hearth"))
        return [hearth, "inspect", "grammar"] + vocab
    python = os.environ.get("PEER_PYTHON", sys.executable)
    peer = [python, os.path.join(DATA, "protocol_peer.py"), "--engine", engine] + vocab
    if engine == "llg":
        tokenizer = os.path.join(os.environ.get("TOKENIZERS", "."), name, "tokenizer.json")
        if name == VOCABULARIES["49k"]:
            tokenizer = os.path.join(tempfile.mkdtemp(), "tokenizer.json")
            with gzip.open(os.path.join(DATA, "smollm2-tokenizer.json.gz")) as packed:
                with open(tokenizer, "wb") as plain:
                    shutil.copyfileobj(packed, plain)
        peer += ["--tokenizer", tokenizer]
    return peer


def run(engine, name, schemas, tokens):
    """Rows by schema of what the engine compiled."""
    sys.path.insert(0, DATA)
    import check_local
    process = check_local.Proc(command(engine, name))
    rows = {}
    for schema in schemas:
        instances = []
        for i, instance in enumerate(schema["instances"]):
            ids = tokens.get((schema["id"], i))
            instances.append({"text": instance["text"], **({"tokens": ids} if ids else {})})
        reply = process.ask({"id": schema["id"], "schema": schema["schema"], "instances": instances,
                             "repeat": 2}, SECONDS[engine])
        if isinstance(reply, dict) and not reply.get("error"):
            rows[schema["id"]] = {part: reply.get(part) for part in PARTS}
            results = reply["token_results"]
            rows[schema["id"]]["verdicts"] = [[x["valid"], r] for x, r in
                                              zip(schema["instances"], results)]
    process.stop()
    return rows


def free_string(name):
    """Mask and accept, in us a token, along a string of 4,000 words in which anything may come."""
    sys.path.insert(0, DATA)
    import check_local
    spellings, flags, _ = check_local.load_vocab(os.path.join(DATA, f"vocab-{name}.gvoc"))
    words = [i for i, t in enumerate(spellings) if not flags[i] and t[:1] == b" " and t[1:].isalpha()]
    quote = spellings.index(b'"')
    ids = [quote] + [words[i * 7919 % len(words)] for i in range(4000)] + [quote]
    text = b"".join(spellings[i] for i in ids).decode()
    process = check_local.Proc(command("ours", name))
    reply = process.ask({"id": "free", "schema": {"type": "string"},
                         "instances": [{"text": text, "tokens": ids}], "repeat": 3}, 60)
    process.stop()
    assert reply["token_results"] == [True], reply
    return reply["mask_us"]["mean"], reply["accept_us"]["mean"]


def percentile(values, q):
    values = sorted(values)
    return values[min(len(values) - 1, int(q * len(values)))]


def figures(rows):
    out = {}
    for part in ("compile_us", "ttfm_us"):
        times = [row[part] for row in rows if row[part] is not None]
        out[part, "p50"], out[part, "p99"] = percentile(times, 0.5), percentile(times, 0.99)
    for part in ("mask_us", "mask_cold_us"):
        masks = [row[part] for row in rows if row[part] and row[part].get("n")]
        out[part, "p50 of schemas"] = percentile([m["p50"] for m in masks], 0.5)
        out[part, "p99 of schemas, p50"] = percentile([m["p99"] for m in masks], 0.5)
        out[part, "max"] = max(m["max"] for m in masks)
    return out


def table(saved):
    for name in sorted({key.split()[0] for s in saved for key in s}):
        rows = {}
        for s in saved:
            for key, found in s.items():
                if key.split()[0] == name:
                    rows.setdefault(key.split()[1], {}).update(found)
        ours = rows.pop("ours")
        columns = []
        for engine, theirs in rows.items():
            both = sorted(set(ours) & set(theirs))
            columns.append((engine, len(both), figures([ours[i] for i in both]),
                            figures([theirs[i] for i in both])))
        wrong = sum(r is True for row in ours.values() for v, r in row["verdicts"] if not v)
        print(f"\n{name}: {len(ours)} schemas compiled, {wrong} false accepts")
        titles = [f"{'ours':>9} {engine + f' ({n})':>12}" for engine, n, _, _ in columns]
        print(f"{'us':34}" + "  ".join(titles))
        all_figures = figures(list(ours.values()))
        for key in all_figures:
            cells = [f"{mine[key]:9.2f} {theirs[key]:12.2f}" for _, _, mine, theirs in columns]
            behind = any(mine[key] >= theirs[key] for _, _, mine, theirs in columns)
            print(f"{key[0] + ' ' + key[1]:34}" + "  ".join(cells or [f"{all_figures[key]:9.2f}"]) +
                  ("  behind" if behind else ""))


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vocab", nargs="+", default=list(VOCABULARIES), choices=VOCABULARIES)
    parser.add_argument("--peer", nargs="*", default=[], choices=["llg", "xgr"])
    parser.add_argument("--limit", type=int)
    parser.add_argument("--part", default="0/1")
    parser.add_argument("--save")
    parser.add_argument("--join", nargs="+")
    a = parser.parse_args()
    if a.join:
        saved = []
        for file in a.join:
            with open(file, encoding="utf-8") as rows:
                saved.append(json.load(rows))
        return table(saved)
    result = {}
    for short in a.vocab:
        name = VOCABULARIES[short]
        schemas, tokens = load(name, a.limit, a.part)
        ours = result[f"{name} ours"] = run("ours", name, schemas, tokens)
        for peer in a.peer:
            compiled = [s for s in schemas if s["id"] in ours]
            result[f"{name} {peer}"] = run(peer, name, compiled, tokens)
        if not a.save:
            mask, accept = free_string(name)
            print(f"{name}: a free string costs {mask:.2f} us a mask and {accept:.2f} us a token taken:"
                  f" {8 * (mask + accept):.1f} us a step of 8 sequences")
    if a.save:
        with open(a.save, "w", encoding="utf-8") as out:
            json.dump(result, out)
    else:
        table([result])
    return None


if __name__ == "__main__":
    main()
