#!/usr/bin/env python3
"""Draws what engine.py saved: chart.py ROWS.json... -o CHART.svg

One bar a row of the table, as long as hearth's speed is a multiple of llama.cpp's; the line at 1 is
llama.cpp. Every row is drawn, whatever it says.
"""
import argparse
import json
from xml.sax.saxutils import escape

LEFT, BAR, WIDTH, STEP, TOP = 230, 330, 760, 24, 52
GROUPS = [("prefill", "#2a6f97"), ("decode", "#52796f")]


def colour(work):
    return next(fill for start, fill in GROUPS if work.startswith(start))


def text(x, y, content, anchor="start", weight="normal", fill="#222"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}" '
            f'fill="{fill}">{escape(content)}</text>')


def draw(rows):
    scale = BAR / max(row["ratio"] for row in rows)
    bottom = TOP + STEP * len(rows)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{bottom + 34}" '
           'font-family="system-ui, sans-serif" font-size="12">',
           '<rect width="100%" height="100%" fill="white"/>',
           text(12, 20, "hearth beside llama.cpp, tokens a second, 2 threads", weight="bold"),
           text(12, 37, "bars: how many times llama.cpp's speed; the line is llama.cpp", fill="#666")]
    for i, row in enumerate(rows):
        y = TOP + STEP * i
        length = row["ratio"] * scale
        out.append(text(LEFT - 8, y + 15, f'{row["model"]}, {row["work"]}', "end"))
        out.append(f'<rect x="{LEFT}" y="{y + 3}" width="{length:.1f}" height="{STEP - 7}" '
                   f'fill="{colour(row["work"])}"/>')
        out.append(text(LEFT + length + 6, y + 15, f'{row["ratio"]:.2f}x  ({row["ours"]:.0f} : {row["theirs"]:.0f})'))
    at = LEFT + scale
    out.append(f'<line x1="{at:.1f}" y1="{TOP - 4}" x2="{at:.1f}" y2="{bottom}" stroke="#c1121f" stroke-width="1.5"/>')
    out.append(text(12, bottom + 20, "prefill: a prompt of 512 tokens; decode: 64 tokens, alone or together; "
                    "made by tests/bench/engine.sh and chart.py", fill="#666"))
    return "\n".join([*out, "</svg>", ""])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="+")
    parser.add_argument("-o", "--output", required=True)
    a = parser.parse_args()
    rows = []
    for path in a.rows:
        with open(path, encoding="utf-8") as file:
            rows += [row for row in json.load(file) if "ratio" in row]
    with open(a.output, "w", encoding="utf-8") as file:
        file.write(draw(rows))


if __name__ == "__main__":
    main()
