#!/usr/bin/env python3
"""Prompts of every chat template and conversation, byte for byte as Hugging Face's renderer writes them.

What Python's own renderer refuses must be refused; where it fails (the case has "error") the engine must
only answer.
"""
import argparse
import os

from oracle import SHARED, Inspector, load


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", required=True)
    build = parser.parse_args().build
    folder = os.path.join(SHARED, "templates")
    if not os.path.isdir(folder):
        print(f"skipped: {folder} is not there (serving_test holds the small set)\n0 of 0")
        return
    cases = {case["name"]: case for case in load(os.path.join(folder, "cases.json"))}
    right = total = 0
    for name in sorted(os.listdir(os.path.join(folder, "expected"))):
        expected = load(os.path.join(folder, "expected", name))
        path = os.path.join(folder, expected["template"])
        inspector = Inspector(build, "template", "--template", path)
        for case_name, wanted in expected["cases"].items():
            case = cases[case_name]
            request = {"messages": case["messages"], "tools": case.get("tools"),
                       "add_generation_prompt": case.get("add_generation_prompt", False),
                       "kwargs": case.get("kwargs", {}), "bos_token": expected["bos_token"],
                       "eos_token": expected["eos_token"], "now": "2026-11-21T12:00:00"}
            got = inspector.ask(request, may_fail=True)
            if "error" in wanted:
                continue
            good = got.get("text") == wanted["text"] if "text" in wanted else "text" not in got
            total += 1
            right += good
            if not good:
                print(f"{name} {case_name}: wanted {wanted!r:.300}, got {got!r:.300}")
        inspector.close()
    print(f"{right} of {total}")
    raise SystemExit(0 if right == total else 1)


if __name__ == "__main__":
    main()
