"""Writes pieces.json: how the patterns of each family of models cut texts, by the Python package `regex`.

The patterns are llama.cpp's (src/llama-vocab.cpp), with the "\\s+" at the end that its code adds to GPT-2's.
"""

import json
import pathlib

import regex

from texts import TEXTS

GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
SUFFIXES = r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])"
GPT4_END = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
CASED_END = r"| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
UPPER, LOWER = r"((?=[\p{L}])([^a-z]))", r"((?=[\p{L}])([^A-Z]))"
LEAD = r"[^\r\n\p{L}\p{N}]?"
FAMILIES = {
    "default": [r"[\p{P}\$\+<=>\^~\|]+", GPT2, r"\p{N}+", r"[0-9][0-9][0-9]"],
    "gpt-2": [GPT2],
    "smollm": [r"\p{N}", GPT2],
    "qwen2": [SUFFIXES + "|" + LEAD + r"\p{L}+|\p{N}" + GPT4_END],
    "llama-bpe": [SUFFIXES + "|" + LEAD + r"\p{L}+|\p{N}{1,3}" + GPT4_END],
    "gpt-4o": [
        f"{LEAD}{UPPER}*{LOWER}+{SUFFIXES}?|{LEAD}{UPPER}+{LOWER}*{SUFFIXES}?"
        + r"|\p{N}{1,3}" + CASED_END
    ],
    "tekken": [f"{LEAD}{UPPER}*{LOWER}+|{LEAD}{UPPER}+{LOWER}*" + r"|\p{N}" + CASED_END],
    "falcon": [r"[\p{P}\$\+<=>\^~\|`]+", GPT2, r"[0-9][0-9][0-9]"],
    "deepseek-coder": [
        r"[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", "[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+", r"\p{N}"
    ],
    "deepseek-v3": [
        r"\p{N}{1,3}",
        "[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+",
        r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"""
        r"| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    ],
    # The letters of the original are written out; these stand for them in the texts used here.
    "deepseek-llm": [
        r"[\r\n]",
        r"\s?[\p{Lu}\p{Ll}\p{Lt}--[\U0001d400-\U0001d7ff]]+",
        "\\s?[!-/:-~\uff01-\uff0f\uff1a-\uff5e\u2018-\u201f\u3000-\u3002]+",
        r"\s+$",
        "[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+",
        r"\p{N}+",
    ],
}


def split(pattern, text):
    pieces, begin = [], 0
    for match in regex.finditer(pattern, text, regex.V1):
        pieces += [text[begin : match.start()], match.group()]
        begin = match.end()
    return [piece for piece in pieces + [text[begin:]] if piece]


def main():
    cases = []
    for family, patterns in FAMILIES.items():
        for name, text in TEXTS.items():
            pieces = [text] if text else []
            for pattern in patterns:
                pieces = [part for piece in pieces for part in split(pattern, piece)]
            cases.append({"family": family, "text": name, "pieces": pieces})
    lines = ",\n".join("  " + json.dumps(case, separators=(",", ":")) for case in cases)
    path = pathlib.Path(__file__).parent / "pieces.json"
    path.write_text('{"cases": [\n%s\n]}\n' % lines)


main()
