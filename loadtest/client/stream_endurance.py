"""Holds many SSE streams open on the fake server: no error, every token once and in order.

    stream_endurance.py [--streams 500] [--seconds 60] [--step-ms 50] [--json FILE]

Each client streams one request after the other until the time is over, and compares the token ids
with those of the same request without streaming. Exits 1 on any fault.
"""

import argparse
import array
import asyncio
import json
import sys
import time

import fake_server
import sse_stream

TOKENS = 100
PROMPTS = [f"{'Once upon a time ' * (1 + i)}number {i}" for i in range(8)]
# What the process holds when every stream has begun counts as its size; from there it stays flat.
RSS_GROWTH_MAX = 0.05


class Run:
    def __init__(self, server, seconds):
        self.server, self.seconds = server, seconds
        self.gaps = array.array("f")
        self.num_tokens = self.num_answers = self.num_live = self.num_live_max = 0
        self.faults = []

    def count(self, _, gap):
        self.num_tokens += 1
        if gap is not None:
            self.gaps.append(gap)

    async def client(self, prompt, expected, begin, deadline):
        await asyncio.sleep(begin - time.monotonic())
        request = sse_stream.request_bytes(prompt, TOKENS, stream=True)
        while time.monotonic() < deadline:
            try:
                stream = await sse_stream.open_stream(self.server.port, request, self.count)
            except OSError as error:
                self.faults.append(repr(error))
                return
            self.num_live += 1
            self.num_live_max = max(self.num_live_max, self.num_live)
            await stream.ended
            self.num_live -= 1
            self.num_answers += 1
            if fault := stream.fault(expected):
                self.faults.append(fault)

    async def go(self, num_streams):
        expected = await asyncio.gather(
            *(sse_stream.whole_answer(self.server.port, prompt, TOKENS) for prompt in PROMPTS))
        begin = time.monotonic()
        # All at once would make the first step's prompt, not the streams, what is tested.
        begins = [begin + 2 * i / num_streams for i in range(num_streams)]
        clients = [asyncio.create_task(self.client(
            PROMPTS[i % len(PROMPTS)], expected[i % len(PROMPTS)], begins[i],
            begin + self.seconds)) for i in range(num_streams)]
        await asyncio.sleep(min(4.0, self.seconds / 3))
        self.rss_begin, cpu, warm = (self.server.resident_bytes(), self.server.cpu_seconds(),
                                     time.monotonic())
        tokens_before = self.num_tokens
        await asyncio.sleep(begin + self.seconds - time.monotonic())
        passed = time.monotonic() - warm
        self.rss_end = self.server.resident_bytes()
        self.cpu_share = (self.server.cpu_seconds() - cpu) / passed
        self.tokens_per_second = (self.num_tokens - tokens_before) / passed
        await asyncio.gather(*clients)

    def report(self, num_streams):
        gaps = sorted(self.gaps)
        percentile = lambda share: round(1000 * gaps[int(share * (len(gaps) - 1))], 1)
        return {"streams": num_streams, "live_at_once": self.num_live_max,
                "seconds": self.seconds, "answers": self.num_answers,
                "tokens": self.num_tokens, "tokens_per_second": round(self.tokens_per_second),
                "server_cpu_cores": round(self.cpu_share, 2),
                "gap_p50_ms": percentile(0.5), "gap_p99_ms": percentile(0.99),
                "rss_begin_mb": round(self.rss_begin / 2 ** 20, 1),
                "rss_end_mb": round(self.rss_end / 2 ** 20, 1), "faults": len(self.faults)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--streams", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--step-ms", type=int, default=50)
    parser.add_argument("--json", help="writes the figures there as well")
    options = parser.parse_args()
    flags = ["--step-ms", options.step_ms, "--max-num-seqs", options.streams + len(PROMPTS),
             "--max-connections", 2 * options.streams + 100, "--log-level", "warn"]
    with fake_server.FakeServer(*flags) as server:
        run = Run(server, options.seconds)
        asyncio.run(run.go(options.streams))
        if not server.all_pages_are_free():
            run.faults.append("pages are not free at the end")
    report = run.report(options.streams)
    print(json.dumps(report, indent=2))
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(report, file, indent=2)
    if report["live_at_once"] < options.streams:
        run.faults.append(f"only {report['live_at_once']} streams were live at once")
    if run.rss_end > run.rss_begin * (1 + RSS_GROWTH_MAX):
        run.faults.append(f"resident memory grew from {report['rss_begin_mb']} to "
                          f"{report['rss_end_mb']} MB")
    for fault in run.faults[:10]:
        print(f"fault: {fault}")
    sys.exit(bool(run.faults))


if __name__ == "__main__":
    main()
