#!/usr/bin/env python3
"""Measures llama.cpp's own tools and `oriel bench` in turns, line by line.

llama.cpp has a choice of cache types, and flash attention that some of them need: the first round
measures every choice of a line, and the fastest of them is measured in the others. Medians of all
rounds are compared. Called by compare_llama_cpp.sh, which says how.
"""

import argparse
import dataclasses
import json
import os
import pathlib
import shlex
import statistics
import subprocess
import sys
import tempfile

import speed_report


WATCH_CPU = pathlib.Path(__file__).with_name("watch_cpu.py")


@dataclasses.dataclass(frozen=True)
class Line:
    """What is measured, and the ratio that Oriel is to reach."""
    model: str
    limit: float
    prompt: int = 0
    generate: int = 0
    depth: int = 0
    streams: int = 1
    has_cache_types: bool = False

    @property
    def repetitions(self):
        """Of a turn: a measurement that takes a second is repeated."""
        return 3 if self.depth == 0 and self.prompt < 4096 else 1


# Decoding at depth is slow in llama.cpp with many streams, so fewer tokens are generated there.
LINES = {
    "smollm2-pp512": Line("smollm2", 1.0, prompt=512),
    "smollm2-pp4096": Line("smollm2", 1.2, prompt=4096),
    "smollm2-tg64": Line("smollm2", 0.9, generate=64),
    "smollm2-tg64-d4096": Line("smollm2", 2.0, generate=64, depth=4096, has_cache_types=True),
    "smollm2-tg16-d4096-x8": Line("smollm2", 4.0, generate=16, depth=4096, streams=8,
                                  has_cache_types=True),
    "qwen1.5-pp512": Line("qwen1.5", 0.8, prompt=512),
    "qwen1.5-tg64": Line("qwen1.5", 0.9, generate=64),
}

# A measurement during which others took more of the machine than this is made again.
OTHERS_SHARE_MAX = 0.05
TRIES_MAX = 4

# (cache type, flash attention). A quantized value cache needs flash attention.
PLAIN_CHOICES = (("f16", 0), ("f16", 1))
CACHE_CHOICES = (*PLAIN_CHOICES, ("q8_0", 1), ("q4_0", 1))


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--list-models", action="store_true")
    parser.add_argument("--llama-tools", type=pathlib.Path)
    parser.add_argument("--llama-kernels", help="folder of another libggml-cpu.so; empty: none")
    parser.add_argument("--oriel")
    parser.add_argument("--model", action="append", default=[], help="NAME=PATH")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cpu-isa", default="auto")
    parser.add_argument("--measure-with", type=shlex.split, default=[])
    parser.add_argument("--commit", default="unknown")
    parser.add_argument("--results", type=pathlib.Path)
    parser.add_argument("lines", nargs="*")
    own, flags = sys.argv[1:], []
    if "--" in own:
        own, flags = own[:own.index("--")], own[own.index("--") + 1:]
    arguments = parser.parse_args(own)
    arguments.flags = flags
    for name in arguments.lines:
        if name not in LINES:
            parser.error(f"no line {name}; there are {', '.join(LINES)}")
    arguments.lines = arguments.lines or list(LINES)
    arguments.model = dict(pair.split("=", 1) for pair in arguments.model)
    return arguments


class Measurer:
    """Runs single measurements and remembers the commands."""

    def __init__(self, arguments):
        self.arguments = arguments
        self.commands = []
        self.cpu_isa = None
        self.others_share = 0.0  # the most of the measurements that were taken

    def run(self, command, environment=None, unshown=()):
        """The output of one measurement; `unshown` arguments are left out of the results."""
        shown = shlex.join(command).replace(str(pathlib.Path.home()) + "/", "~/")
        if shown not in self.commands:
            self.commands.append(shown)
        for _ in range(TRIES_MAX):
            output, others_share = self.run_once([*command, *unshown], environment)
            if others_share <= OTHERS_SHARE_MAX:
                break
            print(f"others took {others_share:.0%} of the machine during {shown}", file=sys.stderr)
        self.others_share = max(self.others_share, others_share)
        return output

    def run_once(self, command, environment):
        """(output, share of the machine that others took meanwhile)."""
        with tempfile.NamedTemporaryFile("r") as share:
            result = subprocess.run(
                [*self.arguments.measure_with, sys.executable, str(WATCH_CPU), share.name,
                 *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                env={**os.environ, **(environment or {})})
            if result.returncode != 0:
                sys.exit(f"compare_speed: {shlex.join(command)}\n"
                         f"ended with {result.returncode}\n{result.stderr}")
            return result.stdout, float(share.read())

    def llama(self, line, choice):
        """Samples of llama.cpp, tokens a second of all streams together."""
        tools, model = self.arguments.llama_tools, self.arguments.model[line.model]
        cache_type, flash_attention = choice
        shared = ["-m", model, "-t", str(self.arguments.threads), "-ctk", cache_type,
                  "-ctv", cache_type, "-fa", str(flash_attention)]
        environment = {}
        if self.arguments.llama_kernels:
            environment["LD_LIBRARY_PATH"] = self.arguments.llama_kernels
        if line.streams == 1:
            output = self.run([str(tools / "llama-bench"), *shared, "-p", str(line.prompt), "-n",
                               str(line.generate), "-d", str(line.depth), "-r",
                               str(line.repetitions), "-o", "json"], environment)
            return json.loads(output)[0]["samples_ts"]
        # The prompt is computed once and copied to every stream: each decodes over bytes of its
        # own all the same.
        shared[-1] = "on" if flash_attention else "off"
        context = line.streams * (line.depth + line.generate + 1)
        output = self.run([str(tools / "llama-batched-bench"), *shared, "-npp", str(line.depth),
                           "-ntg", str(line.generate), "-npl", str(line.streams), "-pps", "-c",
                           str(context), "--output-format", "jsonl"], environment)
        rows = [json.loads(row) for row in output.splitlines() if row.startswith("{")]
        return [rows[0]["speed_tg"]]

    def oriel(self, line):
        """The report row of Oriel."""
        with tempfile.TemporaryDirectory() as folder:
            report = pathlib.Path(folder) / "report.json"
            command = [self.arguments.oriel, "bench", self.arguments.model[line.model],
                       "--threads", str(self.arguments.threads), "--cpu-isa",
                       self.arguments.cpu_isa, "--prompt-tokens", str(line.prompt),
                       "--generate-tokens", str(line.generate), "--depth", str(line.depth),
                       "--streams", str(line.streams), "--repetitions",
                       str(line.repetitions),
                       *self.arguments.flags]
            self.run(command, unshown=("--json", str(report)))
            row = json.loads(report.read_text())[0]
        self.cpu_isa = row["cpu_isa"]
        return row


def measure_line(measurer, name, rounds):
    """One line's entry of the results, in turns: llama.cpp, Oriel, llama.cpp, …"""
    line = LINES[name]
    measurer.commands, measurer.others_share = [], 0.0
    choices = CACHE_CHOICES if line.has_cache_types else PLAIN_CHOICES
    theirs = {choice: measurer.llama(line, choice) for choice in choices}
    rows = [measurer.oriel(line)]
    best = max(theirs, key=lambda choice: statistics.median(theirs[choice]))
    for _ in range(rounds - 1):
        theirs[best] += measurer.llama(line, best)
        rows.append(measurer.oriel(line))
    ours = [sample for row in rows for sample in row["samples_ts"]]
    label = {choice: f"{choice[0]}, flash attention {'on' if choice[1] else 'off'}"
             for choice in choices}
    return {
        "line": name, "limit": line.limit, "model_type": rows[0]["model_type"],
        "n_prompt": line.prompt, "n_gen": line.generate, "n_depth": line.depth,
        "n_streams": line.streams, "llama_cpp_ts": statistics.median(theirs[best]),
        "llama_cpp_choice": label[best],
        "llama_cpp_samples_ts": {label[choice]: theirs[choice] for choice in choices},
        "oriel_ts": statistics.median(ours), "oriel_samples_ts": ours,
        "oriel_type_k": rows[0]["type_k"], "oriel_type_v": rows[0]["type_v"],
        "ratio": statistics.median(ours) / statistics.median(theirs[best]),
        # The weights of the file, what the sequences own, and what the kernel says is resident.
        **{name: max(row[name] for row in rows)
           for name in ("weight_bytes", "kv_cache_bytes", "resident_bytes")},
        "others_cpu_share": measurer.others_share,
        "oriel_commit": measurer.arguments.commit, "commands": measurer.commands,
    }


def main():
    arguments = parse_arguments()
    if arguments.list:
        for name, line in LINES.items():
            print(f"{name:24} at least {line.limit} times llama.cpp")
        return
    if arguments.list_models:
        print("\n".join(dict.fromkeys(LINES[name].model for name in arguments.lines)))
        return
    measurer = Measurer(arguments)
    for name in arguments.lines:
        entry = measure_line(measurer, name, arguments.rounds)
        print(speed_report.table_row(entry), flush=True)
        path = speed_report.add_to_results(
            arguments.results, entry, list(LINES), measurer.cpu_isa, arguments.threads)
    print(path)


if __name__ == "__main__":
    main()
