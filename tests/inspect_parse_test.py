#!/usr/bin/env python3
"""`hearth inspect parse`: the replies of tests/golden/families as the line protocol takes them apart."""
import argparse
import json
import os
import sys

from oracle import ROOT, Inspector

REPLIES = os.path.join(ROOT, "tests", "golden", "families", "replies.json")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default=os.path.join(ROOT, "build"))
    build = parser.parse_args().build
    with open(REPLIES, encoding="utf-8") as file:
        replies = json.load(file)
    wrong = total = 0
    families = {}
    for case in replies["cases"]:
        families.setdefault(case["family"], []).append(case)
    for family, cases in families.items():
        inspector = Inspector(build, "parse", "--family", family)
        for case in cases:
            request = {"text": case["text"], "tools": replies["tools"], "thinking": "thinking" in case}
            bytewise = [1] * len(case["text"].encode())
            answers = [inspector.ask(dict(request, chunks=chunks)) for chunks in (None, bytewise, [3, 5])]
            got = {"content": answers[0].get("content"), "reasoning": answers[0].get("reasoning"),
                   "calls": [{"name": c["name"], "arguments": c["arguments"]} for c in answers[0].get("tool_calls", [])]}
            total += 1
            if got != {key: case[key] for key in got} or any(answer != answers[0] for answer in answers):
                wrong += 1
                print(f"WRONG: {family}, {case['what']}: {answers[0]}")
    inspector = Inspector(build, "parse", "--family", "hermes")
    for bad in ({}, {"text": 5}, {"text": "a", "tools": 1}, {"text": "a", "chunks": [-1]}, {"text": "a", "tools": [{}]}):
        total += 1
        if "error" not in inspector.ask(bad, may_fail=True):
            wrong += 1
            print(f"WRONG: {bad} was served")
    print(f"inspect parse: {total - wrong} of {total} right")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
