#!/usr/bin/env python3
"""Checks what the tree holds: its top level, the length of files and lines, and unfinished marks.

    tree_test.py [ROOT]

Prints a line a fault and exits 1 if there is any; long files that are still allowed are noted.
"""

import pathlib
import re
import sys

import source_tree

# Dot files may join; nothing else does.
TOP_LEVEL = {"CMakeLists.txt", "CMakePresets.json", "Dockerfile", "LICENSE", "README.md",
             "configs", "deploy", "engine", "kernels", "loadtest", "proto", "server", "tests"}

FILE_LINES_NOTED = 400
FILE_LINES_MAX = 500
LINE_COLUMNS_MAX = 100

# Written so that this file does not hold the words itself.
UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")

FORMAT_SWITCH = re.compile(r"^\s*// clang-format (off|on)$")

MACHINE_MADE = ("tests/golden/", "tests/data/")


def check_top_level(paths):
    top = sorted({path.parts[0] for path in paths})
    return [f"{name}: not among what the top level holds" for name in top
            if name not in TOP_LEVEL and not name.startswith(".")]


def check_file(root, path):
    """(faults, notes) of one source file or script."""
    lines = source_tree.read_lines(root, path)
    faults, notes = [], []
    if len(lines) > FILE_LINES_MAX:
        faults.append(f"{path}: {len(lines)} lines, at most {FILE_LINES_MAX}")
    elif len(lines) > FILE_LINES_NOTED:
        notes.append(f"{path}: {len(lines)} lines")
    is_wide = False  # inside a table that clang-format leaves alone
    for number, line in enumerate(lines, 1):
        if FORMAT_SWITCH.match(line):
            is_wide = line.endswith("off")
        if UNFINISHED.search(line):
            faults.append(f"{path}:{number}: unfinished: {line.strip()}")
        if not is_wide and len(line) > LINE_COLUMNS_MAX:
            faults.append(f"{path}:{number}: {len(line)} columns, at most {LINE_COLUMNS_MAX}")
    return faults, notes


def is_source(root, path):
    if str(path).startswith(MACHINE_MADE):
        return False
    if path.suffix in source_tree.CODE_SUFFIXES | source_tree.SCRIPT_SUFFIXES:
        return True
    if path.name == "CMakeLists.txt":
        return True
    return path.suffix == "" and (root / path).read_bytes()[:2] == b"#!"


def find_faults(root):
    paths = source_tree.list_files(root)
    faults, notes = check_top_level(paths), []
    for path in paths:
        if is_source(root, path):
            file_faults, file_notes = check_file(root, path)
            faults += file_faults
            notes += file_notes
    return faults, notes


def main():
    root = pathlib.Path(sys.argv[1]).resolve() if len(sys.argv) > 1 \
        else source_tree.repository_root()
    faults, notes = find_faults(root)
    for note in notes:
        print(f"note: {note}, more than {FILE_LINES_NOTED}")
    for fault in faults:
        print(fault)
    print(f"tree test: {len(faults)} faults")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
