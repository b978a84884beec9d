#!/usr/bin/env python3
"""Token ids of every text, exactly, and back to the same text."""
import argparse
import os

from oracle import GOLDEN, SHARED, Inspector, default_model, gemma_model, load


def vocabularies():
    """(name, vocabulary file, items) of all that can be checked here."""
    yield "smollm2-135m-q4_1", default_model(), load(
        os.path.join(GOLDEN, "tokens", "smollm2-135m-q4_1.json"))["items"]
    tokens = os.path.join(SHARED, "tokens")
    if not os.path.isdir(tokens):
        print(f"skipped: the vocabularies of {SHARED} are not there")
        return
    for name in sorted(os.listdir(tokens)):
        stem = name.removesuffix(".json")
        vocabulary = os.path.join(SHARED, "vocab", stem + ".gguf")
        if stem.startswith("gemma3"):
            vocabulary = gemma_model()
        if os.path.exists(vocabulary):
            yield stem, vocabulary, load(os.path.join(tokens, name))["items"]
        elif stem != "smollm2-135m-q4_1":
            print(f"skipped: {stem}, no file {vocabulary}")


def llama_vocabularies():
    """(name, vocabulary file, [(text, ids)]) of llama.cpp's own tests of its vocabularies."""
    folder = os.path.join(SHARED, "vocab")
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
        if not name.endswith(".gguf"):
            continue
        path = os.path.join(folder, name)
        with open(path + ".inp", encoding="utf-8", newline="") as file:
            texts = file.read().split("\n__ggml_vocab_test__\n")
        with open(path + ".out", encoding="utf-8") as file:
            ids = [[int(word) for word in line.split()] for line in file.read().split("\n")]
        yield name, path, list(zip(texts, ids))


def has_sentencepiece(build):
    """Whether the build has the library that SPM vocabularies need."""
    with open(os.path.join(build, "CMakeCache.txt"), encoding="utf-8") as file:
        return "SENTENCEPIECE_LIBRARY:FILEPATH=SENTENCEPIECE_LIBRARY-NOTFOUND" not in file.read()


def is_spm(vocabulary):
    with open(vocabulary, "rb") as file:
        head = file.read(1 << 16)
    key = b"tokenizer.ggml.model"
    at = head.find(key) + len(key) + 4
    return head[at + 8:at + 13] == b"llama"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", required=True)
    build = parser.parse_args().build
    right = total = 0
    for name, vocabulary, items in vocabularies():
        spm = is_spm(vocabulary)
        if spm and not has_sentencepiece(build):
            print(f"skipped: {name}, this build has no sentencepiece library")
            continue
        inspector = Inspector(build, "tokenize", "--model", vocabulary)
        for item in items:
            plain = inspector.ask({"text": item["text"], "parse_special": False, "add_bos": False})
            special = inspector.ask({"text": item["text"], "parse_special": True, "add_bos": "auto"})
            back = inspector.ask({"ids": item["plain"]})
            # SentencePiece stores a space as U+2581: the two come back as one.
            text = item["text"].replace("\u2581", " ") if spm else item["text"]
            checks = {"plain": plain["ids"] == item["plain"],
                      "special": special["ids"] == item["special"],
                      "back": back["text"] == text,
                      "pieces": "".join(back["pieces"]) == text}
            total += len(checks)
            right += sum(checks.values())
            for kind, good in checks.items():
                if not good:
                    print(f"{name}: {kind} of {item['text']!r}: expected {item['plain']}, "
                          f"got {plain['ids']}, {special['ids']}, {back}")
        inspector.close()
        print(f"{name}: {len(items)} texts, four checks each")
    for name, vocabulary, pairs in llama_vocabularies():
        if is_spm(vocabulary) and not has_sentencepiece(build):
            continue
        inspector = Inspector(build, "tokenize", "--model", vocabulary)
        for text, ids in pairs:
            got = inspector.ask({"text": text, "parse_special": False, "add_bos": False})["ids"]
            total += 1
            right += got == ids
            if got != ids:
                print(f"{name}: {text!r}: expected {ids}, got {got}")
        inspector.close()
        print(f"{name}: {len(pairs)} texts of llama.cpp's")
    print(f"{right} of {total}")
    raise SystemExit(0 if total > 0 and right == total else 1)


if __name__ == "__main__":
    main()
