#!/usr/bin/env python3
"""500 damaged copies of real model files: each gets a clean error (or still runs), within a second of
processor time and with less than 64 MiB over the file's size.

Damage is chosen where it hurts (counts, lengths, types, dimensions, offsets, the alignment), cuts the file at
multiples of 4 KiB, and flips bits of the head. The same copies every time; --count N makes more of them.
"""
import argparse
import os
import random
import resource
import struct
import subprocess
import sys
import tempfile

from oracle import GOLDEN, ROOT

MUTANTS = 500
SECONDS = 1.0
MEMORY = 64 << 20
FILES = [os.path.join(GOLDEN, "tiny", "llama-test-F16.gguf"),
         os.path.join(GOLDEN, "tiny", "qwen3-test256-Q4_1.gguf"),
         os.path.join(ROOT, "tests", "golden", "tokenizer", "small.gguf")]
SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
HOSTILE = {1: [0, 7, 255], 2: [0, 65535],
           4: [0, 1, 5, 9, 255, 1 << 16, 1 << 31, (1 << 32) - 1],
           8: [0, 1, 3, 31, 1 << 16, 1 << 31, 1 << 32, 1 << 62, 1 << 63, (1 << 63) - 1, (1 << 64) - 1,
               (1 << 64) - 31]}


class Fields:
    """Where the numbers of a GGUF head lie: (place, bytes, what)."""

    def __init__(self, data):
        self.data, self.at, self.found = data, 4, []
        self.number(4, "version")
        tensors, pairs = self.number(8, "tensor count"), self.number(8, "pair count")
        for _ in range(pairs):
            self.string("key")
            self.value(self.number(4, "type"))
        for _ in range(tensors):
            self.string("tensor name")
            for _ in range(self.number(4, "dimensions")):
                self.number(8, "dimension")
            self.number(4, "tensor type")
            self.number(8, "offset")
        self.end = self.at

    def number(self, size, what):
        self.found.append((self.at, size, what))
        self.at += size
        return int.from_bytes(self.data[self.at - size:self.at], "little")

    def string(self, what):
        length = self.number(8, what + " length")
        self.at += length

    def value(self, kind):
        if kind == 8:
            self.string("value")
        elif kind == 9:
            element, count = self.number(4, "element type"), self.number(8, "array count")
            # The first elements stand for all.
            for i in range(count):
                keep = len(self.found)
                self.value(element)
                if i >= 2:
                    del self.found[keep:]
        else:
            self.number(SIZES[kind], "value")


def with_pair(data, key, kind, value):
    """A copy with one more metadata pair in front; tensor data moves to the next multiple of 32."""
    fields = Fields(data)
    pairs = int.from_bytes(data[16:24], "little")
    pair = struct.pack("<Q", len(key)) + key.encode() + struct.pack("<I", kind) + value
    head = data[:16] + struct.pack("<Q", pairs + 1) + pair + data[24:fields.end]
    return head + bytes(-len(head) % 32) + data[fields.end + -fields.end % 32:]


def replaced(data, field, new):
    at, size, what = field
    new %= 1 << 8 * size
    return f"{what} at {at} = {new}", data[:at] + new.to_bytes(size, "little") + data[at + size:]


def chosen(data, places):
    """The damage that must be among the rest: (what, bytes)."""
    for alignment in (0, 1, 3, 4, 1 << 31):
        yield f"alignment {alignment}", with_pair(data, "general.alignment", 4, struct.pack("<I", alignment))
    yield "alignment text", with_pair(data, "general.alignment", 8, struct.pack("<Q", 2) + b"32")
    offsets = places.get("offset", [])
    if len(offsets) > 1:
        copy = bytearray(data)
        copy[offsets[1][0]:offsets[1][0] + 8] = copy[offsets[0][0]:offsets[0][0] + 8]
        yield "overlapping tensors", bytes(copy)
    # Every hostile number in one place of each kind.
    for fields in places.values():
        for new in HOSTILE[fields[0][1]]:
            yield replaced(data, fields[len(fields) // 2], new)


def by_chance(data, places, end, numbers):
    """Endless (what, bytes)."""
    kinds = sorted(places)
    while True:
        if numbers.random() < 0.8:
            field = numbers.choice(places[numbers.choice(kinds)])
            new = numbers.choice(HOSTILE[field[1]])
            if numbers.random() < 0.3:
                old = int.from_bytes(data[field[0]:field[0] + field[1]], "little")
                new = old + numbers.choice([-1, 1, 32])
            yield replaced(data, field, new)
        else:
            copy = bytearray(data)
            flips = sorted(numbers.randrange(end) for _ in range(numbers.choice([1, 2, 8])))
            for at in flips:
                copy[at] ^= 1 << numbers.randrange(8)
            yield f"bits flipped at {flips}", bytes(copy)


def mutants(data, numbers):
    """Endless (what, bytes): what is chosen, then cuts at each 4 KiB in turns with damage by chance."""
    fields = Fields(data)
    places = {}
    for field in fields.found:
        places.setdefault(field[2], []).append(field)
    yield from chosen(data, places)
    cuts = list(range(0, len(data), 4096))
    numbers.shuffle(cuts)
    for damage in by_chance(data, places, fields.end, numbers):
        yield damage
        if cuts:
            cut = cuts.pop()
            yield f"cut at {cut}", data[:cut]


def run(command, stdin):
    """(exit status, stderr, processor seconds, peak bytes); a negative status is a signal."""
    with tempfile.TemporaryFile() as errors, tempfile.TemporaryFile() as requests:
        requests.write(stdin)
        requests.seek(0)
        process = subprocess.Popen(command, stdin=requests, stdout=subprocess.DEVNULL, stderr=errors)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        errors.seek(0)
        return (process.returncode, errors.read().decode(errors="replace"), usage.ru_utime + usage.ru_stime,
                usage.ru_maxrss * 1024)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", required=True)
    parser.add_argument("--count", type=int, default=MUTANTS)
    arguments = parser.parse_args()
    hearth, count = os.path.join(arguments.build, "hearth"), arguments.count
    # A sanitizer keeps what is freed, and is slow.
    sanitized = b"__asan_init" in open(hearth, "rb").read()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    numbers = random.Random(1)
    sources = [mutants(open(path, "rb").read(), numbers) for path in FILES]
    bad = refused = ran = 0
    slowest = largest = 0
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "mutant.gguf")
        for i in range(count):
            what, data = next(sources[i % len(sources)])
            with open(path, "wb") as file:
                file.write(data)
            statuses, complaints = [], []
            for command, stdin in (([hearth, "show", path, "--json"], b""),
                                   ([hearth, "inspect", "logits", "--threads", "1", "--model", path],
                                    b'{"ids": [1, 2, 3], "top": 3}\n'),
                                   ([hearth, "inspect", "tokenize", "--model", path],
                                    b'{"text": "Hello, world"}\n'),
                                   ([hearth, "inspect", "template", "--model", path],
                                    b'{"messages": [{"role": "user", "content": "hi"}]}\n'),
                                   ([hearth, "quantize", path, os.path.join(folder, "out.gguf"), "q8_0",
                                     "--threads", "1", "--requantize", "--force"], b"")):
                status, errors, seconds, peak = run(command, stdin)
                statuses.append(status)
                over = peak - len(data)
                slowest, largest = max(slowest, seconds), max(largest, over)
                clean = status == 0 or (status > 0 and errors.startswith(("hearth: ", "error: ")))
                if not clean or (not sanitized and (seconds > SECONDS or over > MEMORY)):
                    complaints.append(f"{' '.join(command[1:3])}: status {status}, {seconds:.2f} s, {over >> 20} MiB "
                                      f"over: {errors[:300]}")
            bad += bool(complaints)
            for complaint in complaints:
                print(f"{os.path.basename(FILES[i % len(FILES)])}, {what}: {complaint}", flush=True)
            refused += any(statuses)
            ran += not all(statuses)
    print(f"{count - bad} of {count} mutants; something was refused in {refused}; at most {slowest:.2f} s and "
          f"{largest / (1 << 20):.0f} MiB over the file")
    # Damage that nothing notices would be no test.
    sys.exit(0 if bad == 0 and refused > count // 2 and ran > 0 else 1)


if __name__ == "__main__":
    main()
