"""Streams whose clients go away at random moments: every page of the cache comes back.

    cancel_endurance.py [--streams 1000] [--step-ms 5] [--json FILE]

The engine of the fake server runs by itself here; how many steps a page takes to come back is
counted by tests/server/http/cancellation_test.cc, which steps it. Exits 1 on any fault.
"""

import argparse
import asyncio
import json
import random
import sys
import time

import fake_server
import sse_stream

LIVE_MAX = 64
SEED = 7
RELEASE_SECONDS_MAX = 5.0


async def cut_one(server, dice, room):
    async with room:
        request = sse_stream.request_bytes("x" * dice.randint(1, 300), 700, dice.random() < 0.75)
        stream = await sse_stream.open_stream(server.port, request)
        await asyncio.sleep(dice.expovariate(5.0))
        if dice.random() < 0.5:
            stream.transport.abort()
        else:
            stream.transport.close()
        await stream.ended
        return len(stream.tokens)


async def cut_all(server, num_streams):
    dice, room = random.Random(SEED), asyncio.Semaphore(LIVE_MAX)
    return await asyncio.gather(*(cut_one(server, dice, room) for _ in range(num_streams)))


def seconds_until_all_free(server):
    begin = time.monotonic()
    while not server.all_pages_are_free():
        if time.monotonic() - begin > RELEASE_SECONDS_MAX:
            return None
        time.sleep(0.005)
    return time.monotonic() - begin


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--streams", type=int, default=1000)
    parser.add_argument("--step-ms", type=int, default=5)
    parser.add_argument("--json", help="writes the figures there as well")
    options = parser.parse_args()
    # Fewer places than streams: some are cut while they wait.
    flags = ["--step-ms", options.step_ms, "--max-num-seqs", LIVE_MAX // 2, "--log-level", "warn"]
    with fake_server.FakeServer(*flags) as server:
        tokens = asyncio.run(cut_all(server, options.streams))
        seconds = seconds_until_all_free(server)
        canceled = server.metrics()['oriel_requests_finished_total{reason="abort"}']
    report = {"streams": options.streams, "cut_before_a_token": tokens.count(0),
              "tokens_read": sum(tokens), "canceled": canceled,
              "seconds_until_all_free": seconds and round(seconds, 3)}
    print(json.dumps(report, indent=2))
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(report, file, indent=2)
    if seconds is None:
        print(f"fault: pages are not free {RELEASE_SECONDS_MAX} s after the last cut")
    sys.exit(seconds is None)


if __name__ == "__main__":
    main()
