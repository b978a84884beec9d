#!/usr/bin/env python3
"""Token ids against Hugging Face's tokenizers, on whole vocabularies that are at hand.

$HEARTH_TOKENIZERS is a folder of files PRE.tokenizer.json or PRE_ANYTHING.tokenizer.json, where PRE is what a
GGUF file calls the pre-tokenizer (tokenizer.ggml.pre). Each is written as a GGUF vocabulary and every text of the
golden sets is tokenized by both. Needs the package tokenizers ($HEARTH_ORACLE_PYTHON may name a Python with it).
"""
import argparse
import json
import os
import struct
import subprocess
import sys
import tempfile

from oracle import GOLDEN, SHARED, Inspector, load

PIECES = [chr(c) * n for c in (0x20, 0x09, 0x0a, 0x0d, 0xa0, 0x3000, 0x200b) for n in (1, 2, 5)] + [
    "don't", "DON'T", "I'Ll", "x'y", "123", "1234567", "12.5e-3", "٣٤٥", "½²", "a1b22c333",
    "naïve", "e\u0301\u0301a", "日本語テキスト", "中文，标点。", "한국어", "ไทย", "हिन्दी", "עברית", "🎉👩‍👩‍👧", "ﬀ",
    "!!!", "...\n", "=====", "+-*/", "$100", "a_b", "snake_case(x, y)", "<|x|>", "\\n", "\ufeff", "\U0001d518",
    "ALLCAPS", "CamelCase", "iPhone", "ǅ", "ʰ", "ª", "\u0085", "\u2028"]


def texts():
    """Those of the golden sets, and pieces joined every which way."""
    folders = [os.path.join(SHARED, "tokens"), os.path.join(GOLDEN, "tokens")]
    folder = next(f for f in folders if os.path.isdir(f))
    out = {item["text"] for name in os.listdir(folder) for item in load(os.path.join(folder, name))["items"]}
    state = 1
    for _ in range(600):
        text = ""
        for _ in range(1 + state % 7):
            state = (state * 6364136223846793005 + 1442695040888963407) % (1 << 64)
            text += PIECES[(state >> 33) % len(PIECES)] + (" " if state >> 20 & 1 else "")
        out.add(text)
    return sorted(out)


def write_gguf(path, vocabulary, pre):
    model = vocabulary["model"]
    tokens = {i: (text, 1) for text, i in model["vocab"].items()}
    tokens.update({t["id"]: (t["content"], 3 if t["special"] else 4) for t in vocabulary["added_tokens"]})
    listed = [tokens.get(i, (f"[PAD{i}]", 5)) for i in range(max(tokens) + 1)]
    merges = [m if isinstance(m, str) else " ".join(m) for m in model["merges"]]

    def string(text):
        data = text.encode()
        return struct.pack("<Q", len(data)) + data

    def strings(values):
        return struct.pack("<IIQ", 9, 8, len(values)) + b"".join(map(string, values))

    pairs = [("tokenizer.ggml.model", struct.pack("<I", 8) + string("gpt2")),
             ("tokenizer.ggml.pre", struct.pack("<I", 8) + string(pre)),
             ("tokenizer.ggml.tokens", strings([text for text, _ in listed])),
             ("tokenizer.ggml.token_type", struct.pack(f"<IIQ{len(listed)}i", 9, 5, len(listed),
                                                       *(kind for _, kind in listed))),
             ("tokenizer.ggml.merges", strings(merges))]
    with open(path, "wb") as file:
        file.write(b"GGUF" + struct.pack("<IQQ", 3, 0, len(pairs)))
        for key, value in pairs:
            file.write(string(key) + value)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", required=True)
    build = parser.parse_args().build
    folder = os.environ.get("HEARTH_TOKENIZERS")
    if not folder:
        print("skipped: $HEARTH_TOKENIZERS names no folder with vocabularies\n0 of 0")
        return
    try:
        import tokenizers
    except ImportError:
        python = os.environ.get("HEARTH_ORACLE_PYTHON")
        if python and os.path.realpath(python) != os.path.realpath(sys.executable):
            raise SystemExit(subprocess.call([python, *sys.argv]))
        raise SystemExit("the package tokenizers is not installed")
    right = total = 0
    for name in sorted(os.listdir(folder)):
        if not name.endswith(".tokenizer.json"):
            continue
        path = os.path.join(folder, name)
        oracle = tokenizers.Tokenizer.from_file(path)
        oracle.encode_special_tokens = True  # special tokens in a text stay text
        with tempfile.TemporaryDirectory() as scratch:
            gguf = os.path.join(scratch, "vocabulary.gguf")
            write_gguf(gguf, load(path), name.removesuffix(".tokenizer.json").split("_")[0])
            inspector = Inspector(build, "tokenize", "--model", gguf)
            good = count = 0
            for text in texts():
                expected = oracle.encode(text, add_special_tokens=False).ids
                got = inspector.ask({"text": text, "parse_special": False, "add_bos": False})["ids"]
                count += 1
                good += got == expected
                if got != expected and count - good <= 5:
                    print(f"{name}: {text!r}: expected {expected}, got {got}")
            inspector.close()
        print(f"{name}: {good} of {count}", flush=True)
        right, total = right + good, total + count
    print(f"{right} of {total}")
    raise SystemExit(0 if total > 0 and right == total else 1)


if __name__ == "__main__":
    main()
