#!/usr/bin/env python3
"""Writes tests/golden/quant/mixes.json: the type that llama.cpp's quantizer gives each tensor of some models.

Usage: make_mix_golden.py LLAMA_QUANTIZE TESTS/GOLDEN/QUANT/MIXES.json
The models are written here: all tensors' names and row lengths, one or two rows each. For each type the letters of
`letters` name the tensors' types, in the order: token_embd, output (where there is one), then layer by layer.
"""
import json
import os
import re
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests"))
from architectures import string, value  # noqa: E402

TYPES = ["Q4_K_M", "Q5_K_M", "Q6_K", "Q8_0", "Q5_1", "Q5_0", "Q4_1", "Q4_0"]
LETTERS = {"q4_K": "k", "q5_K": "m", "q6_K": "n", "q8_0": "8", "q5_1": "6", "q5_0": "5", "q4_1": "3", "q4_0": "4",
           "f16": "h"}
ATTENTION = ["attn_q", "attn_k", "attn_v", "attn_output"]
DENSE = ATTENTION + ["ffn_gate", "ffn_up", "ffn_down"]
EXPERTS = ATTENTION + ["ffn_gate_exps", "ffn_up_exps", "ffn_down_exps"]
JOINED = ["attn_qkv", "attn_output", "ffn_up", "ffn_down"]


def case(architecture, layers, width, inner, stems, heads=(8, 2), experts=0, tied=False):
    return {"architecture": architecture, "layers": layers, "width": width, "inner": inner, "stems": stems,
            "heads": heads[0], "kv_heads": heads[1], "experts": experts, "tied": tied}


CASES = [
    case("llama", 30, 576, 1536, DENSE, heads=(9, 3), tied=True),
    case("llama", 32, 256, 512, DENSE),
    case("llama", 80, 256, 512, DENSE),
    case("llama", 80, 256, 512, DENSE, heads=(8, 8)),
    case("llama", 22, 256, 96, DENSE),
    case("llama", 7, 80, 256, DENSE, heads=(5, 5)),
    case("llama", 32, 256, 512, EXPERTS, experts=8),
    case("qwen2", 24, 896, 4864, DENSE, tied=True),
    case("qwen3", 28, 1024, 3072, DENSE, tied=True),
    case("qwen3moe", 48, 256, 512, EXPERTS, experts=128),
    case("gemma3", 18, 640, 2048, DENSE, tied=True),
    case("phi3", 32, 256, 512, JOINED),
]


def tensors(c):
    """[(name, row length)]"""
    out = [("token_embd.weight", c["width"])] + ([] if c["tied"] else [("output.weight", c["width"])])
    for layer in range(c["layers"]):
        out += [(f"blk.{layer}.{stem}.weight", c["inner"] if "down" in stem else c["width"]) for stem in c["stems"]]
    return out


def write(path, c):
    prefix = c["architecture"] + "."
    keys = {"general.architecture": c["architecture"], prefix + "block_count": c["layers"],
            prefix + "context_length": 64, prefix + "embedding_length": c["width"],
            prefix + "feed_forward_length": c["inner"], prefix + "attention.head_count": c["heads"],
            prefix + "attention.head_count_kv": c["kv_heads"], prefix + "attention.layer_norm_rms_epsilon": 1e-5}
    if c["architecture"] == "gemma3":
        keys[prefix + "attention.sliding_window"] = 64
    if c["experts"]:
        keys.update({prefix + "expert_count": c["experts"], prefix + "expert_used_count": 2,
                     prefix + "expert_feed_forward_length": c["inner"]})
    listed = tensors(c)
    out = bytearray(b"GGUF" + struct.pack("<IQQ", 3, len(listed), len(keys)))
    for key, v in keys.items():
        out += string(key) + value(v)
    data = bytearray()
    for name, cols in listed:
        shape = [cols, 1, 2] if "exps" in name else [cols, 2]
        out += string(name) + struct.pack("<I", len(shape)) + b"".join(struct.pack("<Q", n) for n in shape)
        out += struct.pack("<IQ", 1, len(data))
        data += bytes(-(-cols * 2 * 2 // 32) * 32)
    out += bytes(-len(out) % 32)
    with open(path, "wb") as file:
        file.write(out + data)


def types_of(quantize, path, c, kind):
    env = {**os.environ, "LD_LIBRARY_PATH": os.path.dirname(quantize)}
    done = subprocess.run([quantize, "--dry-run", path, kind], capture_output=True, text=True, env=env, check=False)
    if done.returncode != 0:
        raise SystemExit(done.stderr[-2000:])
    # "[ 3/ 272] NAME - [shape], type = f16, size = 1.00 MiB -> 0.3 MiB (q4_K)"
    found = dict(re.findall(r"\]\s+(\S+)\s+-.*?->\s*[\d.]+ MiB \((\w+)\)", done.stdout + done.stderr))
    return "".join(LETTERS[found.get(name, "f16")] for name, _ in tensors(c))


def main():
    quantize, out = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.gguf")
        for c in CASES:
            write(path, c)
            c["types"] = {kind: types_of(quantize, path, c, kind) for kind in TYPES}
    with open(out, "w", encoding="utf-8") as file:
        json.dump({"letters": {letter: name.upper() for name, letter in LETTERS.items()}, "cases": CASES}, file,
                  separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main()
