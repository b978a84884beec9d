#!/usr/bin/env python3
"""Writes tests/golden/tokenizer: a small vocabulary, and what the PyPI package `tokenizers` makes of texts.

Usage: make_tokenizer_golden.py SMOLLM2.gguf FOLDER   (needs the PyPI packages gguf and tokenizers)
  small.gguf    the first tokens and merges of SmolLM2's vocabulary (Apache-2.0): merges are ordered, so
                the first of them are a vocabulary of their own. One user-defined token is added.
  pieces.json   {texts, families: {tokenizer.ggml.pre: for each text the byte lengths of its words}}
  ids.json      for each text {plain, special}: ids by small.gguf, without and with special tokens
  smollm2.json  the same by the whole vocabulary
"""
import json
import random
import sys
from pathlib import Path

import gguf
from tokenizers import AddedToken, Regex, Tokenizer, models, pre_tokenizers

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
from pre_tokenizers import FAMILIES  # noqa: E402

TOKENS = 3000
WRITTEN = [
    "Hello, world!", "  two  spaces ", "tabs\tand\r\nnewlines\n\n\n  end", "I'm sure they'LL say it's 10'000.",
    "x=3.14159; y += 2**16 // 7\n\treturn f(x)[0]", "naïve café Ångström straße", "Привет, мир! 12 раз",
    "你好，世界。今天是2024年。", "こんにちは、カタカナとひらがな", "안녕하세요 세계 ㄱㄴㄷ", "שלום עולם مرحبا ١٢٣",
    "नमस्ते दुनिया १२३", "สวัสดีชาวโลก", "👩\u200d💻 codes 🎉🎉 at 3½ km²", "\u00a0\u3000\u2003em", "e\u0301 a\u0308 n\u0303",
    "camelCaseAndPascalCase HTTPServer iPhoneX", "ǅ titlecase Ǆ ʰ modifier ª º", "one/two\\three|four~five`six^seven",
    "http://example.org/a?b=c&d=%20#e", "<|im_start|>user\nHi<|im_end|>\n", "<think>\nhm\n</think>", "…—“quoted”‘so’‽",
    "\x00\x01\x7f control", "ⅷ Ⅻ ① ½ ٣ 𝟘𝟙", "𐐀𐐨 𝒜𝓁", "a" * 70, " " * 9 + "x", "\n" * 5 + " \n \t\n", "'s 't 're 'S'T'RE ''d",
    "€5, $6 and £7 + ¢8", "_under_ *star* #hash @at", "trailing space ", "trailing newline\n", "", "१२३४५६७ 1234567 12 3456",
]  # fmt: skip
FRAGMENTS = (
    ["a", "B", "Zz", "the", "'s", "'LL", "'", "1", "23", "4567", " ", "  ", "\n", "\r\n", "\t", ".", "...", "!?", "-", "_", "/", "$", "<", "é"]
    + ["Ω", "ж", "你好", "日", "の", "한", "ا", "١", "\u0301", "ʰ", "ǅ", "½", "🎉", "\u200d", "\u00a0", "\u3000", "—", "“", "，", "\x01"]
)  # fmt: skip


def texts() -> list[str]:
    rng = random.Random(7)
    return WRITTEN + ["".join(rng.choices(FRAGMENTS, k=rng.randint(2, 24))) for _ in range(64)]


def split(patterns: list[str], text: str) -> list[int]:
    steps = [pre_tokenizers.Split(Regex(pattern), "isolated") for pattern in patterns]
    return [len(piece.encode()) for piece, _ in pre_tokenizers.Sequence(steps).pre_tokenize_str(text)]


def byte_level(tokens: list[str], merges: list[str], special: list[str], user: list[str]) -> Tokenizer:
    vocabulary = {token: i for i, token in enumerate(tokens)}
    pairs = [tuple(merge.split(" ")) for merge in merges]
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=pairs))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.add_special_tokens([AddedToken(t, special=True, normalized=False) for t in special])
    tokenizer.add_tokens([AddedToken(t, normalized=False) for t in user])
    return tokenizer


def encode(tokenizer: Tokenizer) -> list[dict]:
    cases = []
    for text in texts():
        tokenizer.encode_special_tokens = True
        plain = tokenizer.encode(text, add_special_tokens=False).ids
        tokenizer.encode_special_tokens = False
        cases.append({"text": text, "plain": plain, "special": tokenizer.encode(text, add_special_tokens=False).ids})
    return cases


def dump(path: Path, value) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("},{", "},\n{") + "\n")


def main() -> None:
    fields = gguf.GGUFReader(sys.argv[1]).fields
    folder = Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    tokens = fields["tokenizer.ggml.tokens"].contents()
    types = fields["tokenizer.ggml.token_type"].contents()
    merges = fields["tokenizer.ggml.merges"].contents()
    special = [t for t, kind in zip(tokens, types) if kind == 3]

    families = {name: [split(patterns, text) for text in texts()] for name, patterns in FAMILIES.items()}
    dump(folder / "pieces.json", {"texts": texts(), "families": families})
    dump(folder / "smollm2.json", encode(byte_level(tokens, merges, special, [])))

    small, kinds = tokens[:TOKENS], types[:TOKENS]
    known = set(small)
    kept = [m for m in merges if all(p in known for p in m.split(" ")) and m.replace(" ", "") in known]
    small, kinds = small + ["<think>"], kinds + [4]
    writer = gguf.GGUFWriter(folder / "small.gguf", "llama")
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(small)
    writer.add_token_types(kinds)
    writer.add_token_merges(kept)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    dump(folder / "ids.json", encode(byte_level(small, kept, special, ["<think>"])))


if __name__ == "__main__":
    main()
