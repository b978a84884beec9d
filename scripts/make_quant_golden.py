#!/usr/bin/env python3
"""Writes the golden blocks of tests/model/quant: blocks of bytes, and the floats that they decode to.

Usage: make_quant_golden.py FOLDER [BLOCKS]   (needs the PyPI packages gguf and numpy)
One file for each type: uint32 number of blocks, the blocks, float32 values. Bytes are random with a
fixed seed, so that scales are wild; the last blocks have chosen scales. For the way back floats.bin holds
float32 values, and NAME.encoded.bin the blocks that they become.
"""
import sys
from pathlib import Path

import numpy as np
from gguf import GGMLQuantizationType, quants
from gguf.constants import GGML_QUANT_SIZES

# Where the half-precision scales lie in a block.
SCALES = {
    "F16": [0], "BF16": [0], "Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0],
    "Q2_K": [80, 82], "Q3_K": [108], "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208], "IQ2_XXS": [0],
    "IQ2_XS": [0], "IQ2_S": [0], "IQ3_XXS": [0], "IQ3_S": [0], "IQ4_NL": [0], "IQ4_XS": [0], "MXFP4": [],
}
# Zero, minus zero, the least subnormal, one, the greatest, infinity.
HALVES = [0x0000, 0x8000, 0x0001, 0x3C00, 0x7BFF, 0x7C00]


ENCODED = ["F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0"]


def floats(count: int) -> np.ndarray:
    """Blocks of 32: random ones of several sizes, and chosen ones."""
    rng = np.random.default_rng(1)
    rows = [rng.normal(size=32) * 10.0 ** rng.integers(-3, 3) for _ in range(count)]
    rows += [rng.uniform(-1, 1, 32), np.zeros(32), -np.zeros(32), np.full(32, 1.5), np.full(32, -2.0)]
    rows += [np.arange(32) - 16, (np.arange(32) - 16) / 2, np.arange(32) * 0.5, [7.0, -7.0] * 16, [-7.0, 7.0] * 16]
    rows += [np.r_[np.zeros(31), 1e-30], np.r_[np.zeros(31), 1e30], np.linspace(-127, 127, 32), np.arange(32) - 15.5]
    return np.asarray(rows, dtype=np.float32)


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, places in SCALES.items():
        elements, size = GGML_QUANT_SIZES[GGMLQuantizationType[name]]
        count = int(sys.argv[2]) if len(sys.argv) > 2 else (512 if elements == 1 else 12 if elements == 32 else 4)
        rng = np.random.default_rng(int(GGMLQuantizationType[name]))
        blocks = rng.integers(0, 256, (count, size), dtype=np.uint8)
        for row in blocks:  # scales of an ordinary size in the random blocks
            for place in places:
                if elements > 1:
                    row[place : place + 2] = np.frombuffer(np.float16(rng.normal() / 8).tobytes(), dtype=np.uint8)
        for i, half in enumerate(HALVES[: count // 2]):
            for place in places[:1]:
                blocks[-1 - i, place : place + 2] = np.frombuffer(np.uint16(half).tobytes(), dtype=np.uint8)
        if name == "MXFP4":
            blocks[:4, 0] = [0, 1, 2, 255]
        with np.errstate(all="ignore"):
            values = quants.dequantize(blocks, GGMLQuantizationType[name]).astype(np.float32)
        data = np.uint32(count).tobytes() + blocks.tobytes() + values.tobytes()
        (folder / f"{name}.bin").write_bytes(data)

    values = floats(count=int(sys.argv[2]) if len(sys.argv) > 2 else 10)
    (folder / "floats.bin").write_bytes(values.tobytes())
    for name in ENCODED:
        with np.errstate(all="ignore"):
            encoded = quants.quantize(values, GGMLQuantizationType[name])
        (folder / f"{name}.encoded.bin").write_bytes(encoded.tobytes())


if __name__ == "__main__":
    main()
