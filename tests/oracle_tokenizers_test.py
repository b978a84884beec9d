#!/usr/bin/env python3
"""Token ids against Hugging Face's tokenizers.

On whole vocabularies: $HEARTH_TOKENIZERS is a folder of files PRE.tokenizer.json or PRE_ANYTHING.tokenizer.json,
where PRE is what a GGUF file calls the pre-tokenizer (tokenizer.ggml.pre). And for every family of
pre-tokenizers (pre_tokenizers.py), with the vocabularies of SmolLM2 and GPT-2 for want of its own. Each is
written as a GGUF vocabulary, and every text of the golden sets and made ones is tokenized by both.
Needs the packages tokenizers and gguf ($HEARTH_ORACLE_PYTHON may name a Python with them).
"""
import argparse
import json
import os
import struct
import subprocess
import sys
import tempfile

from oracle import GOLDEN, SHARED, Inspector, default_model, load
from pre_tokenizers import FAMILIES, IGNORE_MERGES

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


def string(text):
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def strings(values):
    return struct.pack("<IIQ", 9, 8, len(values)) + b"".join(map(string, values))


def write_gguf(path, tokens, kinds, merges, pre):
    pairs = [("tokenizer.ggml.model", struct.pack("<I", 8) + string("gpt2")),
             ("tokenizer.ggml.pre", struct.pack("<I", 8) + string(pre)),
             ("tokenizer.ggml.add_bos_token", struct.pack("<I?", 7, False)),
             ("tokenizer.ggml.tokens", strings(tokens)),
             ("tokenizer.ggml.token_type", struct.pack(f"<IIQ{len(kinds)}i", 9, 5, len(kinds), *kinds)),
             ("tokenizer.ggml.merges", strings(merges))]
    with open(path, "wb") as file:
        file.write(b"GGUF" + struct.pack("<IQQ", 3, 0, len(pairs)))
        for key, value in pairs:
            file.write(string(key) + value)


def published(folder):
    """(name, oracle, what write_gguf wants) of each tokenizer.json."""
    import tokenizers
    for name in sorted(os.listdir(folder)):
        if not name.endswith(".tokenizer.json"):
            continue
        path = os.path.join(folder, name)
        oracle = tokenizers.Tokenizer.from_file(path)
        # GGUF files carry no normalizer; Qwen's brings texts to NFC, which is the caller's to do.
        oracle.normalizer = None
        data = load(path)
        listed = {i: (text, 1) for text, i in data["model"]["vocab"].items()}
        listed.update({t["id"]: (t["content"], 3 if t["special"] else 4) for t in data["added_tokens"]})
        rows = [listed.get(i, (f"[PAD{i}]", 5)) for i in range(max(listed) + 1)]
        merges = [m if isinstance(m, str) else " ".join(m) for m in data["model"]["merges"]]
        yield name, oracle, ([text for text, _ in rows], [kind for _, kind in rows], merges,
                             name.removesuffix(".tokenizer.json").split("_")[0])


def by_family():
    """Every family on the vocabularies that are at hand."""
    import gguf
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers
    for vocabulary in (default_model(), os.path.join(SHARED, "vocab", "ggml-vocab-gpt-2.gguf")):
        if not os.path.exists(vocabulary):
            print(f"skipped: no file {vocabulary}")
            continue
        fields = gguf.GGUFReader(vocabulary).fields
        tokens, kinds, merges = (fields["tokenizer.ggml." + key].contents()
                                 for key in ("tokens", "token_type", "merges"))
        model = models.BPE(vocab={text: i for i, text in enumerate(tokens)},
                           merges=[tuple(m.split(" ")) for m in merges])
        for family, patterns in FAMILIES.items():
            model.ignore_merges = family in IGNORE_MERGES
            oracle = Tokenizer(model)
            oracle.pre_tokenizer = pre_tokenizers.Sequence(
                [pre_tokenizers.Split(Regex(pattern), "isolated") for pattern in patterns]
                + [pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
            # Nothing is cut out of a text as a special token on either side.
            yield (f"{family} on {os.path.basename(vocabulary)}", oracle,
                   (tokens, [1 if kind == 4 else kind for kind in kinds], merges, family))


def compare(build, name, oracle, vocabulary, items):
    """(right, total)"""
    oracle.encode_special_tokens = True  # special tokens in a text stay text
    with tempfile.TemporaryDirectory() as scratch:
        gguf = os.path.join(scratch, "vocabulary.gguf")
        write_gguf(gguf, *vocabulary)
        inspector = Inspector(build, "tokenize", "--model", gguf)
        good = 0
        for text in items:
            expected = oracle.encode(text, add_special_tokens=False).ids
            got = inspector.ask({"text": text, "parse_special": False, "add_bos": False})["ids"]
            good += got == expected
            if got != expected:
                print(f"{name}: {text!r}: expected {expected}, got {got}")
        inspector.close()
    print(f"{name}: {good} of {len(items)}", flush=True)
    return good, len(items)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", required=True)
    build = parser.parse_args().build
    try:
        import gguf  # noqa: F401
        import tokenizers  # noqa: F401
    except ImportError:
        python = os.environ.get("HEARTH_ORACLE_PYTHON")
        if python and os.path.realpath(python) != os.path.realpath(sys.executable):
            raise SystemExit(subprocess.call([python, *sys.argv]))
        print("skipped: the packages tokenizers and gguf are not installed")
        return
    folder = os.environ.get("HEARTH_TOKENIZERS")
    if not folder:
        print("skipped: $HEARTH_TOKENIZERS names no folder with vocabularies")
    items = texts()
    right = total = 0
    for one in [*(published(folder) if folder else []), *by_family()]:
        good, count = compare(build, *one, items)
        right, total = right + good, total + count
    print(f"{right} of {total}")
    raise SystemExit(0 if total > 0 and right == total else 1)


if __name__ == "__main__":
    main()
