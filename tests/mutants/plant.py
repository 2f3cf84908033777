#!/usr/bin/env python3
"""Plants the mistakes of mutants.txt in a copy of a source file, each behind a switch.

    plant.py MUTANTS ROOT SOURCE OUTPUT    SOURCE, relative to ROOT, with its mistakes
    plant.py MUTANTS --names OUTPUT        the source that defines MutantNames() of planted.h

The copy says the lines of its original. A mistake whose right code is not found exactly once is an
error: the list follows the source.
"""

import pathlib
import re
import sys


def read_mutants(path):
    """[(name, source, right, wrong)]"""
    mutants = []
    for number, line in enumerate(pathlib.Path(path).read_text().splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        mark, _, rest = line.partition(" ")
        if mark in "-+":
            mutants[-1][2 if mark == "-" else 3] += rest + " "
        elif len(line.split()) == 2:
            mutants.append([*line.split(), "", ""])
        else:
            sys.exit(f"{path}:{number}: neither a name with a source nor code: {line}")
    return [(name, source, right.strip(), wrong.strip()) for name, source, right, wrong in mutants]


def plant(text, name, right, wrong):
    pattern = r"\s+".join(re.escape(word) for word in right.split())
    found = list(re.finditer(pattern, text))
    if len(found) != 1:
        sys.exit(f"mutant {name}: its right code stands {len(found)} times in the source: {right}")
    begin, end = found[0].span()
    switch = f'::oriel::IsPlanted("{name}")'
    if right.endswith(";"):
        planted = f"if ({switch}) {{ {wrong} }} else {{ {text[begin:end]} }}"
    else:
        planted = f"({switch} ? ({wrong}) : ({text[begin:end]}))"
    return text[:begin] + planted + text[end:]


def main():
    mutants = read_mutants(sys.argv[1])
    output = pathlib.Path(sys.argv[-1])
    output.parent.mkdir(parents=True, exist_ok=True)
    if sys.argv[2] == "--names":
        names = ", ".join(f'"{name}"' for name, *_ in mutants)
        output.write_text('#include "tests/mutants/planted.h"\n'
                          "std::vector<std::string> oriel::MutantNames() {\n"
                          f"  return {{{names}}};\n}}\n")
        return
    root, source = sys.argv[2:4]
    text = pathlib.Path(root, source).read_text()
    for name, mutated, right, wrong in mutants:
        if mutated == source:
            text = plant(text, name, right, wrong)
    output.write_text(f'#include "tests/mutants/planted.h"\n#line 1 "{source}"\n{text}')


if __name__ == "__main__":
    main()
