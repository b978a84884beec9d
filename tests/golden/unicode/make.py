#!/usr/bin/env python3
"""Writes fold.txt: for each block of 256 code points, an FNV-1a hash of their case foldings in Python.

    python3 make.py > fold.txt
"""
import unicodedata

print(f'# Unicode {unicodedata.unidata_version}: first code point of a block, FNV-1a 64 of its foldings joined by a line feed')
for block in range(0, 0x110000, 256):
    points = [c for c in range(block, block + 256) if not 0xD800 <= c <= 0xDFFF]
    if not any(chr(c).casefold() != chr(c) for c in points):
        continue
    value = 0xCBF29CE484222325
    for byte in '\n'.join(chr(c).casefold() for c in points).encode():
        value = (value ^ byte) * 0x100000001B3 % 2**64
    print(f'{block:x} {value:x}')
