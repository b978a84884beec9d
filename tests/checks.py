"""Counts what a test checks, and says what failed at once."""
import sys

_count = 0
_failures = 0


def check(condition, *what):
    global _count, _failures
    _count += 1
    if not condition:
        _failures += 1
        print("FAILED:", *what, flush=True)


def finish():
    print(f"{_count} checks, {_failures} failed")
    sys.exit(1 if _failures else 0)
