"""Writes generated_*.json: ids by the Python package `tokenizers` for models in GGUF files.

Usage: generate_ids.py MODEL_FOLDER
"""

import json
import pathlib
import sys

import gguf
from tokenizers import AddedToken, Regex, Tokenizer, models, pre_tokenizers

from texts import SPECIAL_TEXTS, TEXTS

CONTROL, USER_DEFINED = 3, 4
QWEN2 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
PRE_TOKENIZERS = {
    "smollm": [
        pre_tokenizers.Digits(individual_digits=True),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
    ],
    "qwen2": [
        pre_tokenizers.Split(Regex(QWEN2), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ],
}
FILES = {
    "generated_smollm2.json": "SmolLM2-135M-Instruct.Q4_1.gguf",
    "generated_qwen2.json": "Qwen2.5-Coder-0.5B-Instruct.Q4_K_M.gguf",
}


def make_tokenizer(reader, special):
    def contents(key):
        return reader.fields["tokenizer.ggml." + key].contents()

    tokens, kinds = contents("tokens"), contents("token_type")
    merges = [tuple(line.split(" ")) for line in contents("merges")]
    tokenizer = Tokenizer(models.BPE({t: i for i, t in enumerate(tokens)}, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(PRE_TOKENIZERS[contents("pre")])
    wanted = {CONTROL, USER_DEFINED} if special else {USER_DEFINED}
    added = [t for t, kind in zip(tokens, kinds) if kind in wanted]
    tokenizer.add_tokens([AddedToken(t, normalized=False, special=False) for t in added])
    return tokenizer


def main():
    folder = pathlib.Path(sys.argv[1])
    for name, model in FILES.items():
        reader = gguf.GGUFReader(folder / model)
        cases = []
        for special, texts in ((False, TEXTS), (False, SPECIAL_TEXTS), (True, SPECIAL_TEXTS)):
            tokenizer = make_tokenizer(reader, special)
            for case, text in texts.items():
                ids = tokenizer.encode(text, add_special_tokens=False).ids
                cases.append({"name": case, "text": text, "special": special, "ids": ids})
        lines = ",\n".join("  " + json.dumps(case, separators=(",", ":")) for case in cases)
        path = pathlib.Path(__file__).parent / name
        path.write_text('{"model": "%s", "cases": [\n%s\n]}\n' % (model, lines))


main()
