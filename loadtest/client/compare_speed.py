#!/usr/bin/env python3
"""Measures llama-bench and a running `oriel serve` in turns and prints a table.

Prefill: the time to the only token of a 512-token prompt. Decode: the time between the first and
the last of 65 streamed tokens after a one-token prompt. The server idles while llama-bench runs.
The medians of all rounds are compared.
"""

import argparse
import contextlib
import http.client
import json
import os
import random
import signal
import socket
import statistics
import subprocess
import sys
import time

PREFILL_TOKENS, DECODE_TOKENS = 512, 64
START_SECONDS_MAX = 120
TOKEN_IDS = (1000, 20000)  # ordinary tokens of every vocabulary here


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--llama-bench", required=True)
    parser.add_argument("--oriel", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("flags", nargs="*", help="flags for oriel serve")
    return parser.parse_args()


def measure_llama_bench(arguments):
    """(prefill, decode) in tokens a second."""
    output = subprocess.run(
        [arguments.llama_bench, "-m", arguments.model, "-t", str(arguments.threads),
         "-p", str(PREFILL_TOKENS), "-n", str(DECODE_TOKENS), "-r", "1", "-o", "json"],
        check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    speeds = {(row["n_prompt"], row["n_gen"]): row["avg_ts"] for row in json.loads(output)}
    return speeds[(PREFILL_TOKENS, 0)], speeds[(0, DECODE_TOKENS)]


class Server:
    def __init__(self, arguments):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.process = subprocess.Popen(
            [arguments.oriel, "serve", arguments.model, "--http-port", str(self.port),
             "--threads", str(arguments.threads), "--max-model-len", "2048", *arguments.flags],
            stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + START_SECONDS_MAX
        while not self.is_ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                sys.exit("compare_speed: the server did not become ready")
            time.sleep(0.1)

    def is_ready(self):
        with contextlib.suppress(OSError):
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        return False

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)

    def stream_times(self, prompt, max_tokens):
        """When the request was sent, and when each token came."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        times = [time.perf_counter()]
        connection.request("POST", "/v1/completions", json.dumps(
            {"prompt": prompt, "max_tokens": max_tokens, "temperature": 0, "ignore_eos": True,
             "stream": True, "return_token_ids": True}), {"Content-Type": "application/json"})
        response = connection.getresponse()
        if response.status != 200:
            sys.exit(f"compare_speed: {response.status}: {response.read().decode()}")
        for line in response:
            if not line.startswith(b"data: {"):
                continue
            for choice in json.loads(line[len("data: "):])["choices"]:
                times += [time.perf_counter()] * len(choice.get("token_ids") or [])
        connection.close()
        return times


def measure_oriel(server, dice):
    """(prefill, decode) in tokens a second. Prompts differ, so nothing can be reused."""
    prompt = [dice.randint(*TOKEN_IDS) for _ in range(PREFILL_TOKENS)]
    times = server.stream_times(prompt, 1)
    prefill = PREFILL_TOKENS / (times[1] - times[0])
    times = server.stream_times(prompt[:1], DECODE_TOKENS + 1)
    decode = (len(times) - 2) / (times[-1] - times[1])
    return prefill, decode


def cpu_name():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return "unknown CPU"


def main():
    arguments = parse_arguments()
    dice = random.Random(1)
    server = Server(arguments)
    try:
        measure_oriel(server, dice)  # brings the file into memory
        rounds = [(measure_llama_bench(arguments), measure_oriel(server, dice))
                  for _ in range(arguments.rounds)]
    finally:
        server.stop()
    print(f"{os.path.basename(arguments.model)}, {cpu_name()}, {arguments.threads} threads, "
          f"median of {arguments.rounds} {' '.join(arguments.flags)}".rstrip())
    print(f"{'':16}{'llama.cpp':>12}{'oriel':>12}{'ratio':>8}   each round")
    for index, name in enumerate((f"prefill {PREFILL_TOKENS}", f"decode {DECODE_TOKENS}")):
        theirs = [pair[0][index] for pair in rounds]
        ours = [pair[1][index] for pair in rounds]
        each = ", ".join(f"{b:.0f}/{a:.0f}" for a, b in zip(theirs, ours))
        a, b = statistics.median(theirs), statistics.median(ours)
        print(f"{name:16}{a:10.1f}/s{b:10.1f}/s{b / a:8.2f}   {each}")


if __name__ == "__main__":
    main()
