#!/usr/bin/env python3
"""Writes tests/fuzz/corpus/gguf_fuzz: small whole files for the fuzzer to damage, since random bytes never become one.

Usage: make_fuzz_seeds.py TESTS/FUZZ/CORPUS/GGUF_FUZZ
"""
import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests"))
import architectures  # noqa: E402
from architectures import string, value  # noqa: E402


def models(folder):
    architectures.VOCAB = architectures.D = architectures.HEAD_DIM = architectures.FF = 16
    architectures.LAYERS = architectures.HEADS = architectures.KV_HEADS = 1
    for case in architectures.CASES:
        if case["name"] in ("llama-yarn", "gemma2", "qwen3moe", "phi3-longrope-short"):
            if "experts" in case:
                case["experts"] = (2, 1)
            architectures.write_gguf(os.path.join(folder, case["name"] + ".gguf"), case, 1)


def strings(values):
    return struct.pack("<IIQ", 9, 8, len(values)) + b"".join(map(string, values))


def numbers(kind, letter, values):
    return struct.pack(f"<IIQ{len(values)}{letter}", 9, kind, len(values), *values)


def vocabulary(path, pairs):
    with open(path, "wb") as file:
        file.write(b"GGUF" + struct.pack("<IQQ", 3, 0, len(pairs)))
        for key, v in pairs.items():
            file.write(string("tokenizer." + key) + v)


def vocabularies(folder):
    letters = ["H", "e", "l", "o", "Ġ", "w", "r", "d", "Ċ", "1", "2"]
    tokens = letters + ["He", "ll", "Hell", "Ġw", "<s>"]
    vocabulary(os.path.join(folder, "bpe.gguf"), {
        "ggml.model": value("gpt2"), "ggml.pre": value("llama-bpe"), "ggml.tokens": strings(tokens),
        "ggml.token_type": numbers(5, "i", [1] * (len(tokens) - 1) + [3]),
        "ggml.merges": strings(["H e", "l l", "He ll", "Ġ w"]), "ggml.bos_token_id": value(len(tokens) - 1),
        "ggml.add_bos_token": value(True), "chat_template": value("{{ messages[0].content }}")})
    pieces = ["<unk>", "<s>", "</s>"] + [f"<0x{b:02X}>" for b in range(256)] + ["▁", "H", "e", "l", "o", "▁w", "He"]
    vocabulary(os.path.join(folder, "spm.gguf"), {
        "ggml.model": value("llama"), "ggml.tokens": strings(pieces),
        "ggml.scores": numbers(6, "f", [-float(i) for i in range(len(pieces))]),
        "ggml.token_type": numbers(5, "i", [2, 3, 3] + [6] * 256 + [1] * 7), "ggml.bos_token_id": value(1)})


def main():
    os.makedirs(sys.argv[1], exist_ok=True)
    models(sys.argv[1])
    vocabularies(sys.argv[1])


if __name__ == "__main__":
    main()
