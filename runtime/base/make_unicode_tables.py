#!/usr/bin/env python3
"""Writes unicode_tables.inc: case folding, white space and column widths from Python's Unicode data.

    python3 make_unicode_tables.py > unicode_tables.inc

Python's own str.casefold, str.isspace and unicodedata are the reference that the tests compare with.
"""
import sys
import unicodedata

CODE_POINTS = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]


def ranges(points):
    """Ascending code points as (first, last) pairs."""
    out = []
    for c in points:
        if out and out[-1][1] == c - 1:
            out[-1][1] = c
        else:
            out.append([c, c])
    return out


def simple_folds(folds):
    """(first, last, stride, delta): every stride-th code point of a run folds to itself + delta."""
    out = []
    for c, delta in folds:
        if out:
            first, last, stride, run_delta = out[-1]
            gap = c - last
            if delta == run_delta and gap in (1, 2) and stride in (0, gap):
                out[-1] = [first, c, gap, delta]
                continue
        out.append([c, c, 0, delta])
    return [[f, l, s or 1, d] for f, l, s, d in out]


def width(c):
    char = chr(c)
    if unicodedata.category(char) in ('Mn', 'Me', 'Cf') and c != 0xAD:
        return 0
    if 0x1160 <= c <= 0x11FF:  # medial vowels and final consonants join the syllable before them
        return 0
    return 2 if unicodedata.east_asian_width(char) in ('W', 'F') else 1


def table(name, kind, rows):
    print(f'constexpr {kind} {name}[] = {{')
    line = '   '
    for row in rows:
        text = ' {' + ', '.join(row) + '},'
        if len(line) + len(text) > 98:
            print(line)
            line = '   '
        line += text
    print(line)
    print('};\n')


def main():
    single, several = [], []
    for c in CODE_POINTS:
        folded = chr(c).casefold()
        if folded == chr(c):
            continue
        if len(folded) == 1:
            single.append((c, ord(folded) - c))
        else:
            several.append((c, [ord(x) for x in folded] + [0] * (3 - len(folded))))
    print(f'// Written by make_unicode_tables.py from Unicode {unicodedata.unidata_version}; do not edit.')
    print('// clang-format off')
    table('kSimpleFolds', 'SimpleFold', [[f'{f:#x}', f'{l:#x}', str(s), str(d)] for f, l, s, d in simple_folds(single)])
    table('kFullFolds', 'FullFold', [[f'{c:#x}', '{' + ', '.join(f'{x:#x}' for x in to) + '}'] for c, to in several])
    hexes = lambda points: [[f'{f:#x}', f'{l:#x}'] for f, l in ranges(points)]
    table('kSpaces', 'Range', hexes([c for c in CODE_POINTS if chr(c).isspace()]))
    table('kZeroWidth', 'Range', hexes([c for c in CODE_POINTS if width(c) == 0]))
    table('kDoubleWidth', 'Range', hexes([c for c in CODE_POINTS if width(c) == 2]))
    print('// clang-format on')


sys.exit(main())
