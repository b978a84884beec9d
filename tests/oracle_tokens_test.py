#!/usr/bin/env python3
"""Token ids of every text, exactly, and back to the same text."""
import argparse
import os

from oracle import GOLDEN, SHARED, Inspector, default_model, load


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
        if os.path.exists(vocabulary):
            yield stem, vocabulary, load(os.path.join(tokens, name))["items"]


def supported(vocabulary, build):
    """SentencePiece vocabularies are refused with a clear error until they are supported."""
    import subprocess
    ask = subprocess.run([os.path.join(build, "hearth"), "inspect", "tokenize", "--model", vocabulary],
                         input="", capture_output=True, text=True, check=False)
    if ask.returncode != 0:
        print(f"not supported: {ask.stderr.strip()}")
    return ask.returncode == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", required=True)
    build = parser.parse_args().build
    right = total = 0
    for name, vocabulary, items in vocabularies():
        if not supported(vocabulary, build):
            continue
        inspector = Inspector(build, "tokenize", "--model", vocabulary)
        for item in items:
            plain = inspector.ask({"text": item["text"], "parse_special": False, "add_bos": False})
            special = inspector.ask({"text": item["text"], "parse_special": True, "add_bos": "auto"})
            back = inspector.ask({"ids": item["plain"]})
            checks = {"plain": plain["ids"] == item["plain"],
                      "special": special["ids"] == item["special"],
                      "back": back["text"] == item["text"],
                      "pieces": "".join(back["pieces"]) == item["text"]}
            total += len(checks)
            right += sum(checks.values())
            for kind, good in checks.items():
                if not good:
                    print(f"{name}: {kind} of {item['text']!r}: expected {item['plain']}, "
                          f"got {plain['ids']}, {special['ids']}, {back}")
        inspector.close()
        print(f"{name}: {len(items)} texts")
    print(f"{right} of {total}")
    raise SystemExit(0 if total > 0 and right == total else 1)


if __name__ == "__main__":
    main()
