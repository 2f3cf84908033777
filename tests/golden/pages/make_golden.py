#!/usr/bin/env python3
"""Writes the golden files of this folder: code sections, head page layouts and sealed head pages.

Standard library only, and written from the byte table and the numerics contract of kernels/formats
(README.md, group_encoder.h, page_centre.h) rather than from its code, so that the two check each other.
With --against FILE the code sections are also compared with another implementation of the byte table,
a Python file that has pack(codec, "K" or "V", codes).

    tests/golden/pages/make_golden.py [--against FILE]
"""
import argparse
import importlib.util
import math
import os
import struct

TOKENS = 64
BITS = {"int8": 8, "int4": 4, "int2": 2, "int1": 1, "e8_1p5": 1.5, "e8_2p5": 2.5}
LEVELS = {"int8": 256, "int4": 16, "int2": 4, "int1": 2, "e8_1p5": 4, "e8_2p5": 8, "ternary": 3}
BASE = {"int8": .031, "int4": .335, "int2": 1.0, "int1": 1.6, "e8_1p5": .88, "e8_2p5": .53, "ternary": 1.22}
STEPS = (.7, .78, .86, .93, 1., 1.08, 1.17, 1.3, 1.5)
CLIPS = (1., .95, .9, .85, .8, .75, .7, .65, .6)


# ------------------------------------------------------------------ numbers both sides can make
class Lcg:
    """Knuth's 64-bit linear congruential generator; draws are its upper 31 bits."""

    def __init__(self, seed):
        self.state = seed

    def draw(self, limit):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self.state >> 33) % limit


def fnv1a(data):
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return f"{value:016x}"


# ------------------------------------------------------------------ E8 structure
def e8_channel(d, block, position):
    return 16 * position + block if d == 128 else 16 * (position % 4) + 8 * (position // 4) + block


def e8_blocks(d):
    return [[e8_channel(d, b, p) for p in range(8)] for b in range(d // 8)]


CODEWORDS = [[a, b, c, e, b ^ c ^ e, a ^ c ^ e, a ^ b ^ e, a ^ b ^ c]
             for e in (0, 1) for c in (0, 1) for b in (0, 1) for a in (0, 1)]


# ------------------------------------------------------------------ byte table
def quarter(z):
    """Position in 16 -> (lane quarter, byte) for the order 2t, 2t+1, 8+2t, 9+2t."""
    return (z & 7) >> 1, 2 * (z >> 3) + (z & 1)


def key_place(codec, d, token, c):
    """((byte, bit, width), (byte, bit) of the stored low bit or None)."""
    T, h, g = token >> 4, (token >> 3) & 1, token & 7
    s, r, i = c >> 5, (c >> 4) & 1, c >> 4
    t, b = ((c & 15) >> 2, c & 3) if d == 128 else quarter(c & 15)
    lane = 4 * g + t
    if codec.startswith("int"):
        n = BITS[codec]
        x = d // 32 * T + s
        return (512 * (x // (8 // n)) + 16 * lane + 4 * (2 * h + r) + b, n * (x % (8 // n)), n), None
    if d == 128:
        low_at = 1024 if codec == "e8_1p5" else 2048
        low = (low_at + 16 * lane + 4 * T + b, 2 * i + h) if i < 4 else None
        if codec == "e8_1p5":
            bit = 2 * i + 1 if i < 4 else 2 * (i - 4)
            return (512 * (T >> 1) + 16 * lane + 4 * (2 * (T & 1) + h) + b, bit, 1), low
        return (512 * T + 16 * lane + 4 * (2 * h + r) + b, 4 * (s & 1) + 2 * (1 - (s >> 1)), 2), low
    low_at = 512 if codec == "e8_1p5" else 1024
    low = (low_at + 8 * lane + 4 * (T >> 1) + 2 * h + b, 2 * i + (T & 1)) if b < 2 else None
    if codec == "e8_1p5":
        return (16 * lane + 4 * T + b, 2 * i + 1 - h, 1), low
    return (512 * (T >> 1) + 16 * lane + 4 * (2 * (T & 1) + h) + b, 4 * s + 2 * (1 - r), 2), low


def value_place(codec, d, token, c):
    y, r = token >> 5, (token >> 4) & 1
    t, b = quarter(token & 15)
    i, u, g = c >> 4, (c >> 3) & 1, c & 7
    lane, rt = 4 * g + t, 2 * r + u
    if codec == "int1" and d == 64:
        return (16 * lane + 4 * (2 * y + r) + b, 4 * u + i, 1), None
    if codec.startswith("int"):
        n = BITS[codec]
        x = d // 16 * y + i
        return (512 * (x // (8 // n)) + 16 * lane + 4 * rt + b, n * (x % (8 // n)), n), None
    if d == 64:
        low_at = 512 if codec == "e8_1p5" else 1024
        low = (low_at + 8 * lane + 4 * y + b, 2 * i + r) if u == 0 else None
        if codec == "e8_1p5":
            return (16 * lane + 4 * (2 * y + r) + b, 2 * i + 1 - u, 1), low
        return (512 * y + 16 * lane + 4 * rt + b, 4 * (i >> 1) + 2 * (1 - (i & 1)), 2), low
    if codec == "e8_1p5":
        high, low = 6 * y + rt, 6 * y + 4 + r
        place = 512 * (high >> 2) + 16 * lane + 4 * (high & 3) + b
        low = 512 * (low >> 2) + 16 * lane + 4 * (low & 3) + b
        return ((place, 2 * i + 1, 1), (low, 2 * i + u)) if i < 4 else ((place, 2 * (i - 4), 1), None)
    high = (512 * (2 * y + (i & 1)) + 16 * lane + 4 * rt + b, 4 * ((i >> 1) & 1) + 2 * (1 - (i >> 2)), 2)
    return high, ((2048 + 16 * lane + 4 * (2 * y + r) + b, 2 * i + u) if i < 4 else None)


def section_bytes(codec, d):
    if codec == "fp16":
        return TOKENS * d * 2
    return TOKENS * -(-d // 5) if codec == "ternary" else int(TOKENS * d * BITS[codec]) // 8


def pack(codec, half, codes):
    d = len(codes[0])
    out = bytearray(section_bytes(codec, d))
    for token, row in enumerate(codes):
        for c, code in enumerate(row):
            if codec == "ternary":
                out[token * -(-d // 5) + c // 5] += code * 3 ** (c % 5)
                continue
            (byte, bit, _), low = (key_place if half == "K" else value_place)(codec, d, token, c)
            out[byte] |= (code >> 1 if codec.startswith("e8") else code) << bit
            if low:
                out[low[0]] |= (code & 1) << low[1]
    return bytes(out)


def random_codes(codec, d, seed):
    lcg = Lcg(seed)
    codes = [[lcg.draw(LEVELS[codec]) for _ in range(d)] for _ in range(TOKENS)]
    if codec.startswith("e8"):  # the drawn low bits of positions 0..3 stand, the others follow
        for row in codes:
            for block in e8_blocks(d):
                word = CODEWORDS[sum((row[block[p]] & 1) << p for p in range(4))]
                for p in range(8):
                    row[block[p]] = row[block[p]] & ~1 | word[p]
    return codes


# ------------------------------------------------------------------ float32, one rounding an operation
def f32(x):
    """Doubles hold products and sums of two floats well enough for a second rounding to be exact."""
    return struct.unpack("f", struct.pack("f", x))[0]


def f16(x):
    return struct.unpack("e", struct.pack("e", x))[0]


def lane_sum(terms):
    lanes = [0.0] * 16
    for c, term in enumerate(terms):
        lanes[c % 16] = f32(lanes[c % 16] + term)
    for distance in (8, 4, 2, 1):
        for lane in range(distance):
            lanes[lane] = f32(lanes[lane] + lanes[lane + distance])
    return lanes[0]


def nearest_in(table, x):
    """Code of the table's number nearest to x; a tie goes to the even code."""
    return min(range(len(table)), key=lambda k: (abs(table[k] - x), k & 1))


SCALES = [struct.unpack("<e", struct.pack("<H", code << 7))[0] for code in range(0xF8)]
E4M3 = [(m * 2.0**-9 if e == 0 else (8 + m) * 2.0 ** (e - 10)) for e in range(16) for m in range(8)][:127]


def snap(x):
    return max(nearest_in(SCALES, x), 1)


def e4m3(x):
    """(code, number)"""
    code = nearest_in(E4M3, abs(x))
    return (code | 0x80, -E4M3[code]) if x < 0 and code else (code, E4M3[code])


def rounded(x, top):
    return round(min(max(x, 0.0), float(top)))  # Python rounds ties to even


def nearest_codes(codec, z):
    levels = LEVELS[codec]
    if not codec.startswith("e8"):
        return [rounded(v, levels - 1) for v in z]
    codes = [0] * len(z)
    for block in e8_blocks(len(z)):
        near, cost = [], []
        for c in block:
            v0 = 2 * rounded(z[c] * .5, levels // 2 - 1)
            v1 = 2 * rounded(f32(z[c] - 1) * .5, levels // 2 - 1) + 1
            e0, e1 = f32(z[c] - v0), f32(z[c] - v1)
            near.append((v0, v1))
            cost.append((f32(e0 * e0), f32(e1 * e1)))

        def total(word):
            a = [cost[p][word[p]] for p in range(8)]
            s = [f32(a[p] + a[p + 1]) for p in (0, 2, 4, 6)]
            return f32(f32(s[0] + s[1]) + f32(s[2] + s[3]))
        word = min(CODEWORDS, key=total)  # the first among equals
        for p, c in enumerate(block):
            codes[c] = near[p][word[p]]
    return codes


def encode_symmetric(codec, half, x):
    n, middle = len(x), (LEVELS[codec] - 1) / 2
    energy = lane_sum([f32(v * v) for v in x])
    if energy == 0:
        return 0, 0, [0] * n
    rms = f32(math.sqrt(f32(energy / n)))
    best = None
    for factor in STEPS:
        code = snap(f32(rms * f32(f32(BASE[codec]) * f32(factor))))
        step = SCALES[code]
        inverse = f32(1 / step)
        codes = nearest_codes(codec, [f32(f32(v * inverse) + middle) for v in x])
        errors = [f32(v - f32(step * (c - middle))) for v, c in zip(x, codes)]
        error = lane_sum([f32(e * e) for e in errors])
        if best is None or error < best[0]:
            best = error, step, codes
    _, step, codes = best
    overlap = lane_sum([f32(v * f32(step * (c - middle))) for v, c in zip(x, codes)])
    alpha = f32(energy / overlap) if overlap > 0 else 1.0
    factor = f32(1 + f32(.5 * f32(alpha - 1))) if half == "K" else alpha
    return snap(f32(step * min(max(factor, f32(.8)), 1.5))), 0, codes


def encode_asymmetric(codec, x):
    if lane_sum([f32(v * v) for v in x]) == 0:
        return 0, 0, [0] * len(x)
    centre = f32(f32(min(x) + max(x)) * .5)
    reach = f32(f32(max(x) - min(x)) * .5)
    best = None
    for clip in CLIPS:
        span = f32(reach * f32(clip))
        zero_code, zero = e4m3(f32(centre - span))
        code = snap(f32(f32(span + span) / (LEVELS[codec] - 1)))
        step = SCALES[code]
        inverse = f32(1 / step)
        codes = nearest_codes(codec, [f32(f32(v - zero) * inverse) for v in x])
        errors = [f32(v - f32(f32(step * c) + zero)) for v, c in zip(x, codes)]
        error = lane_sum([f32(e * e) for e in errors])
        if best is None or error < best[0]:
            best = error, code, zero_code, codes
    return best[1:]


def page_centre(d, rows, num_sinks):
    """(scale, codes)"""
    if num_sinks == TOKENS:
        return 0.0, [0] * d
    mean = []
    for c in range(d):
        total = 0.0
        for row in rows[num_sinks:]:
            total = f32(total + row[c])
        mean.append(f32(total / (TOKENS - num_sinks)))
    scale = f16(min(f32(max(map(abs, mean)) / 127), 65504.0))
    if scale == 0:
        return 0.0, [0] * d
    inverse = f32(1 / scale)
    return scale, [round(min(max(f32(m * inverse), -127.0), 127.0)) for m in mean]


# ------------------------------------------------------------------ whole head pages
def layout(d, key, value, groups, asymmetric):
    """[(name, bytes)] in the order of the page."""
    k, v = key != "fp16", value != "fp16"
    return [("key_codes", section_bytes(key, d)), ("value_codes", section_bytes(value, d)),
            ("key_scales", 64 * groups * k), ("value_scales", 64 * groups * v),
            ("key_zeros", 64 * groups * (k and asymmetric)), ("value_zeros", 64 * groups * (v and asymmetric)),
            ("centre", d * k), ("centre_scale", 16 * k)]


def random_rows(d, half, seed, rough):
    """64 rows of FP16 bits: nearly Gaussian, keys with a bias; rough ones have what a broken model may emit."""
    lcg = Lcg(seed)
    rows = []
    for token in range(TOKENS):
        row = []
        for c in range(d):
            x = (sum(lcg.draw(65536) for _ in range(4)) - 131070) / 32768
            if half == "K" and c % 16 == 5:
                x += 3
            if rough:
                x *= {7: 0.0, 13: 2.0**-20, 17: 8192.0}.get(token, 1.0)
            row.append(struct.unpack("<H", struct.pack("<e", f32(x)))[0])
        if rough and token == 11:
            row[:3] = [0x7E00, 0x7C00, 0xFC00]
        rows.append(row)
    return rows


def finite(bits):
    if bits & 0x7C00 == 0x7C00:
        bits = 0 if bits & 0x3FF else bits & 0x8000 | 0x7BFF
    return struct.unpack("<e", struct.pack("<H", bits))[0]


def seal_half(codec, half, bits, d, groups, asymmetric, pre_scale, num_sinks):
    """{section name without key_ or value_: bytes}"""
    if codec == "fp16":
        return {"codes": b"".join(struct.pack(f"<{d}H", *row) for row in bits)}
    rows = [[finite(v) * 2.0**pre_scale for v in row] for row in bits]
    out = {}
    if half == "K":
        scale, centre = page_centre(d, rows, num_sinks)
        out["centre"] = struct.pack(f"{d}b", *centre)
        out["centre_scale"] = struct.pack("<e", scale) + bytes(14)
        rows = [[f32(v - scale * c) for v, c in zip(row, centre)] for row in rows]
    n = d // groups
    scales, zeros, codes = bytearray(64 * groups), bytearray(64 * groups), []
    for token, row in enumerate(rows):
        codes.append([])
        for group in range(groups):
            x = row[group * n:group * n + n]
            scale, zero, c = encode_asymmetric(codec, x) if asymmetric else encode_symmetric(codec, half, x)
            at = 64 * group + 8 * (token % 8) + token // 8
            scales[at], zeros[at] = scale, zero
            codes[-1] += c
    out.update(codes=pack(codec, half, codes), scales=bytes(scales), zeros=bytes(zeros))
    return out


def seal(d, key, value, groups, asymmetric, key_pre, value_pre, num_sinks, seed, rough):
    k = seal_half(key, "K", random_rows(d, "K", seed, rough), d, groups, asymmetric, key_pre, num_sinks)
    v = seal_half(value, "V", random_rows(d, "V", seed + 1, rough), d, groups, asymmetric, value_pre, num_sinks)
    parts = {f"key_{name}": data for name, data in k.items()}
    parts.update({f"value_{name}": data for name, data in v.items()})
    parts["centre"], parts["centre_scale"] = k.get("centre", b""), k.get("centre_scale", b"")
    page = b""
    for name, size in layout(d, key, value, groups, asymmetric):
        assert size == 0 or len(parts[name]) == size, name
        page += parts[name] if size else b""
    return page


PAGES = [  # head_dim key value groups asymmetric key_pre value_pre num_sinks seed rough
    (64, "int2", "e8_1p5", 1, 0, 0, 0, 5, 101, 0), (128, "int2", "e8_1p5", 1, 0, 0, 0, 0, 103, 0),
    (64, "int2", "e8_1p5", 1, 0, 0, 0, 0, 105, 1), (128, "int2", "e8_1p5", 1, 0, -2, 3, 5, 107, 1),
    (64, "e8_2p5", "int4", 1, 0, 0, 0, 0, 109, 0), (128, "e8_1p5", "int8", 1, 0, 0, 0, 64, 111, 0),
    (64, "int1", "e8_2p5", 1, 0, 0, 0, 5, 113, 1), (128, "int8", "int1", 1, 0, 0, 0, 0, 115, 1),
    (64, "int4", "ternary", 2, 0, 4, -4, 0, 117, 0), (64, "ternary", "int2", 1, 0, 0, 0, 1, 119, 1),
    (64, "fp16", "int2", 1, 0, 0, 0, 5, 121, 1), (64, "int2", "fp16", 1, 0, 0, 0, 5, 123, 1),
    (64, "fp16", "fp16", 1, 0, 0, 0, 0, 125, 1), (64, "int2", "ternary", 2, 1, 0, 0, 5, 127, 0),
    (128, "int2", "int4", 4, 1, 0, 0, 0, 129, 1), (64, "e8_1p5", "int8", 1, 1, 0, 0, 5, 131, 0),
]

LAYOUTS = [(d, k, v, g, a) for d in (64, 128) for k, v, g, a in (
    ("int2", "e8_1p5", 1, 0), ("int2", "e8_1p5", 1, 1), ("e8_2p5", "e8_1p5", 1, 0), ("int1", "int4", 1, 0),
    ("int8", "e8_2p5", 1, 0), ("ternary", "ternary", 2, 1), ("int4", "int2", 2, 0), ("fp16", "fp16", 1, 0),
    ("fp16", "int8", 1, 1), ("e8_1p5", "fp16", 1, 1))]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--against", help="another implementation of the byte table")
    arguments = parser.parse_args()
    folder = os.path.dirname(os.path.abspath(__file__))
    other = None
    if arguments.against:
        spec = importlib.util.spec_from_file_location("other", arguments.against)
        other = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(other)

    with open(os.path.join(folder, "code_sections.txt"), "w") as out:
        print("# codec half head_dim seed | FNV-1a of the section | its first 16 bytes", file=out)
        seed = 1
        for codec in LEVELS:
            for half in "KV":
                for d in (64, 128):
                    codes = random_codes(codec, d, seed)
                    data = pack(codec, half, codes)
                    if other and codec != "ternary":
                        assert other.pack(codec, half, codes) == data, (codec, half, d)
                    print(codec, half, d, seed, fnv1a(data), data[:16].hex(), file=out)
                    seed += 1
    with open(os.path.join(folder, "layouts.txt"), "w") as out:
        print("# head_dim key value groups asymmetric | bytes of each section in order | whole", file=out)
        for case in LAYOUTS:
            sizes = [size for _, size in layout(*case)]
            print(*case, *sizes, sum(sizes), file=out)
    with open(os.path.join(folder, "sealed_pages.txt"), "w") as out:
        print("# head_dim key value groups asymmetric key_pre value_pre num_sinks seed rough | bytes | FNV-1a", file=out)
        for number, case in enumerate(PAGES):
            page = seal(*case)
            print(*case, len(page), fnv1a(page), file=out)
            if number == 0:
                with open(os.path.join(folder, "sealed_page_64.hex"), "w") as whole:
                    for at in range(0, len(page), 40):
                        print(page[at:at + 40].hex(), file=whole)


if __name__ == "__main__":
    main()
