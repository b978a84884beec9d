"""Writes a copy of a GGUF file with another chat template."""
import struct

STRING, ARRAY = 8, 9
SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}


def _string(data, at):
    (length,) = struct.unpack_from("<Q", data, at)
    return data[at + 8:at + 8 + length], at + 8 + length


def _skip(data, at, kind):
    if kind == STRING:
        return _string(data, at)[1]
    if kind != ARRAY:
        return at + SIZES[kind]
    element, count = struct.unpack_from("<IQ", data, at)
    at += 12
    if element in SIZES:
        return at + SIZES[element] * count
    for _ in range(count):
        at = _skip(data, at, element)
    return at


def with_template(source, target, template):
    with open(source, "rb") as file:
        data = file.read()
    magic, version, tensors, fields = struct.unpack_from("<4sIQQ", data, 0)
    at, out = 24, bytearray()
    alignment = 32
    for _ in range(fields):
        begin = at
        key, at = _string(data, at)
        (kind,) = struct.unpack_from("<I", data, at)
        value = at + 4
        at = _skip(data, value, kind)
        if key == b"general.alignment":
            (alignment,) = struct.unpack_from("<I", data, value)
        if key == b"tokenizer.chat_template":
            text = template.encode()
            out += struct.pack("<Q", len(key)) + key + struct.pack("<IQ", STRING, len(text)) + text
        else:
            out += data[begin:at]
    begin = at
    for _ in range(tensors):
        _, at = _string(data, at)
        (dimensions,) = struct.unpack_from("<I", data, at)
        at += 4 + 8 * dimensions + 4 + 8
    out = struct.pack("<4sIQQ", magic, version, tensors, fields) + bytes(out) + data[begin:at]
    pad = lambda n: -n % alignment
    with open(target, "wb") as file:
        file.write(out + b"\0" * pad(len(out)) + data[at + pad(at):])
