#!/usr/bin/env python3
"""Compares the #include lines of kernels/, engine/ and server/ with the layer table, and the table
with that of engine/README.md.

    layer_test.py [ROOT]

A folder sees only folders of lower layers; siblings of one layer never see each other. Prints a
line a fault and exits 1 if there is any.
"""

import itertools
import pathlib
import re
import sys

import source_tree

# Lowest first; the folders of one line are siblings. A folder stands for all below it, "NAME/*" for
# the files that lie directly in NAME.
LAYERS = [
    ["kernels/core"],
    ["kernels/formats"],
    ["kernels/ops"],
    ["kernels/reference", "kernels/cpu", "kernels/cuda"],
    ["kernels/*"],  # backend_factory: the only one that sees all back ends
    ["engine/base"],
    ["engine/files"],
    ["engine/request", "engine/tokenizer"],
    ["engine/kv_cache", "engine/quantization"],
    ["engine/model", "engine/scheduler"],
    ["engine/runtime"],
    ["engine/*"],  # engine.h
    ["engine/benchmark", "engine/calibration", "engine/evaluation"],
    ["server"],
]

# Rows such as "3 kernels/cpu | kernels/cuda (to come)"; what follows two spaces is a remark.
TABLE_FILE = pathlib.PurePosixPath("engine/README.md")
TABLE_ROW = re.compile(r"^(\d+) (\S+(?: \S+)*)(?:  .*)?$")
TO_COME = " (to come)"

# A back end is reached through MakeBackend() alone: nobody above names one.
PRIVATE_FOLDERS = {
    "kernels/reference": ["kernels/*"],
    "kernels/cpu": ["kernels/*"],
    "kernels/cuda": ["kernels/*"],
}

# Outside headers that only some folders may include: (what, pattern, folders).
CONFINED_HEADERS = [
    ("sockets",
     re.compile(r"(sys/socket|netinet/|arpa/inet|netdb|sys/un|sys/epoll|boost/|grpc|openssl/)"),
     ["server", "loadtest/client", "tests"]),
    ("CUDA",
     re.compile(r"(cuda|cublas|cutlass|cute/|nccl|nvrtc|nvtx|cooperative_groups|mma\.h)"),
     ["kernels/cuda", "loadtest/kernels"]),
    ("generated protocol code", re.compile(r".*\.pb\.h$"), ["server/grpc", "tests"]),
]

# Third-party headers that are written in quotes; everything else in quotes is ours.
OUTSIDE_PREFIXES = (
    "absl/", "gtest/", "gmock/", "hwy/", "spdlog/", "nlohmann/", "yaml-cpp/", "CLI/",
    "prometheus/", "boost/", "benchmark/", "unicode/", "grpcpp/", "google/")

INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')


def layer_of(path):
    """(layer, folder) of a file, or None if the table does not hold it."""
    parts = pathlib.PurePosixPath(path).parts
    for layer, folders in enumerate(LAYERS):
        for folder in folders:
            if folder.endswith("/*"):
                if len(parts) == 2 and parts[0] == folder[:-2]:
                    return layer, folder
            elif parts[:len(pathlib.PurePosixPath(folder).parts)] == \
                    pathlib.PurePosixPath(folder).parts:
                return layer, folder
    return None


def read_layers(root):
    """The rows of the table in engine/README.md, each the folders of one layer in order."""
    layers = []
    for line in source_tree.read_lines(root, TABLE_FILE):
        match = TABLE_ROW.match(line)
        if match and int(match.group(1)) == len(layers):
            layers.append(match.group(2).replace(TO_COME, "").split(" | "))
    return layers


def find_table_faults(root):
    """Where the table of engine/README.md and LAYERS part, and what it says wrongly is to come."""
    faults = [f"{TABLE_FILE}: layer {layer} is {told or 'missing'}, here it is {known or 'missing'}"
              for layer, (told, known) in enumerate(
                  itertools.zip_longest(read_layers(root), LAYERS)) if told != known]
    text = (root / TABLE_FILE).read_text(encoding="utf-8")
    for folder in (folder for layer in LAYERS for folder in layer if not folder.endswith("/*")):
        if (folder + TO_COME in text) == (root / folder).is_dir():
            faults.append(f"{TABLE_FILE}: {folder} is to come if and only if it is not there")
    return faults


def is_inside(path, folder):
    return pathlib.PurePosixPath(folder) in pathlib.PurePosixPath(path).parents


def check_own_include(root, path, target):
    """The fault of `#include "target"` in the file path, or None."""
    is_generated = target.endswith(".pb.h")
    if not is_generated and not (root / target).is_file():
        return f'"{target}" is no file of this tree; paths start at the root'
    own = layer_of(path)
    if own is None or is_generated:
        return None
    seen = layer_of(target)
    if seen is None:
        return f'"{target}" is in no layer'
    own_layer, own_folder = own
    layer, folder = seen
    if folder == own_folder:
        return None
    if layer == own_layer:
        return f'"{target}" is in the sibling folder {folder}'
    if layer > own_layer:
        return f'"{target}" is in {folder}, a higher layer'
    if folder in PRIVATE_FOLDERS and own_folder not in PRIVATE_FOLDERS[folder]:
        return f'"{target}" is in {folder}, which only {PRIVATE_FOLDERS[folder][0]} sees'
    return None


def check_confined(path, target):
    for what, pattern, folders in CONFINED_HEADERS:
        if pattern.match(target) and not any(is_inside(path, folder) for folder in folders):
            return f"{target}: {what} only in {', '.join(folders)}"
    return None


def find_faults(root):
    faults = []
    for path in source_tree.list_files(root):
        if path.suffix not in source_tree.CODE_SUFFIXES:
            continue
        if path.parts[0] in ("kernels", "engine", "server") and layer_of(path) is None:
            faults.append(f"{path}: in no layer of the table")
        for number, line in enumerate(source_tree.read_lines(root, path), 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            quoted, angled = match.groups()
            fault = check_confined(path, quoted or angled)
            if not fault and quoted and not quoted.startswith(OUTSIDE_PREFIXES):
                fault = check_own_include(root, path, quoted)
            if fault:
                faults.append(f"{path}:{number}: {fault}")
    return faults


def main():
    root = pathlib.Path(sys.argv[1]).resolve() if len(sys.argv) > 1 \
        else source_tree.repository_root()
    faults = find_table_faults(root) + find_faults(root)
    for fault in faults:
        print(fault)
    print(f"layer test: {len(faults)} faults")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
