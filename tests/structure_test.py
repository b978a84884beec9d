#!/usr/bin/env python3
"""Holds the tree to the table of who may include whom (CONTRIBUTING.md), by its #include lines."""
import argparse
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# Longest prefix first decides which room a path belongs to.
CORE = "runtime/base/core"
ALL = ["model", "grammars", "memory", "tools", "mcp", "runtime/base", "runtime/net",
       "runtime/serving", "runtime/agent", "runtime/jobs", "runtime/http"]
MAY_INCLUDE = {
    CORE: [],
    "model": [CORE],
    "grammars": [CORE],
    "runtime/base": [CORE],
    "runtime/net": ["runtime/base", CORE],
    "memory": ["runtime/base", CORE],
    "tools": ["runtime/base", CORE, "runtime/net", "memory"],
    "mcp": ["runtime/base", CORE, "runtime/net", "tools"],
    "runtime/serving": ["model", "grammars", "runtime/base", CORE, "runtime/net"],
    "runtime/agent": ["runtime/serving", "model", "tools", "memory", "runtime/base", CORE],
    "runtime/jobs": ALL + [CORE],
    "runtime/http": ALL + [CORE],
    "runtime/main": ALL + [CORE],
}
# Third-party headers are for some rooms alone.
STANDARD_ONLY = ["model", CORE]
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)
# CUDA's headers appear nowhere else.
CUDA_FOLDER = "model/backend/cuda/"
CUDA = re.compile(r"cuda_\w+\.h$")
SYSTEM = re.compile(r"^([a-z_0-9]+|sys/[a-z_]+\.h|immintrin\.h|[a-z]+\.h|sentencepiece[a-z_]*\.h)$")


def room_of(path):
    rooms = [room for room in MAY_INCLUDE if path.startswith(room + "/")]
    return max(rooms, key=len) if rooms else None


def complaints(path, text):
    room = room_of(path)
    for bracket, target in INCLUDE.findall(text):
        if bracket == "<":
            if path.startswith(CUDA_FOLDER) and CUDA.match(target):
                continue
            if room in STANDARD_ONLY and not SYSTEM.match(target):
                yield f"<{target}>: this room uses the standard library alone"
            continue
        other = room_of(target)
        if other is None:
            yield f'"{target}": not a path of the tree'
        elif other != room:
            if other not in MAY_INCLUDE[room]:
                yield f'"{target}": {room} may not include {other}'
            elif "/" in target[len(other) + 1:]:
                yield f'"{target}": private to {other}; only headers right in its folder are public'


def main():
    argparse.ArgumentParser(description=__doc__).parse_known_args()
    files = wrong = 0
    for top in ("model", "grammars", "memory", "tools", "mcp", "runtime"):
        for folder, _, names in os.walk(os.path.join(ROOT, top)):
            for name in names:
                if not name.endswith((".h", ".cpp", ".cu", ".cuh", ".inc")):
                    continue
                path = os.path.relpath(os.path.join(folder, name), ROOT)
                files += 1
                with open(os.path.join(ROOT, path), encoding="utf-8") as file:
                    for complaint in complaints(path, file.read()):
                        print(f"{path}: {complaint}")
                        wrong += 1
    # The check itself must see what is wrong.
    assert list(complaints("model/a.cpp", '#include "tools/tool.h"\n'))
    assert list(complaints("tools/a.cpp", '#include "memory/sqlite/b.h"\n'))
    assert list(complaints("model/a.cpp", "#include <nlohmann/json.hpp>\n"))
    print(f"{files} files, {wrong} wrong includes")
    sys.exit(0 if files > 0 and wrong == 0 else 1)


if __name__ == "__main__":
    main()
