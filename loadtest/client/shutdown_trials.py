"""SIGTERM at random moments under streaming load: no stream that was accepted is truncated.

    shutdown_trials.py [--trials 200] [--streams 12] [--json FILE]

Each trial starts a fake server, opens streams, sends the signal and reads all streams to their end:
each must have all its tokens, a finish reason and [DONE], and the server ends with 0. A request
that comes after the signal may be refused, with 503 or without a connection. Exits 1 on any fault.
"""

import argparse
import asyncio
import json
import random
import sys

import fake_server
import sse_stream

SEED = 8
TOKENS_MAX = 80
PROMPT = "Once upon a time"
STEP_MS = 5


async def late_client(server, request, delay):
    """A stream from after the signal, or None if it was refused."""
    await asyncio.sleep(delay)
    try:
        stream = await sse_stream.open_stream(server.port, request)
    except OSError:
        return None
    await stream.ended
    return stream if stream.status == 200 else None


async def run_trial(server, expected, num_streams, dice):
    lengths = [dice.randint(1, TOKENS_MAX) for _ in range(num_streams)]
    requests = [sse_stream.request_bytes(PROMPT, length, stream=True) for length in lengths]
    streams = [await sse_stream.open_stream(server.port, request) for request in requests]
    # Accepted is what the server has begun to answer: before that it may still refuse.
    while any(stream.status is None for stream in streams):
        await asyncio.sleep(0.001)
    await asyncio.sleep(dice.uniform(0.0, 0.3))
    server.terminate()
    late = await late_client(server, requests[0], dice.uniform(0.0, 0.1))
    await asyncio.gather(*(stream.ended for stream in streams))
    checked = [*zip(streams, lengths), *([(late, lengths[0])] if late else [])]
    return [fault for stream, length in checked if (fault := stream.fault(expected[:length]))]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--streams", type=int, default=12)
    parser.add_argument("--json", help="writes the figures there as well")
    options = parser.parse_args()
    dice, faults, expected = random.Random(SEED), [], None
    for trial in range(options.trials):
        server = fake_server.FakeServer("--step-ms", STEP_MS)
        try:
            if expected is None:
                expected = asyncio.run(sse_stream.whole_answer(server.port, PROMPT, TOKENS_MAX))
            trial_faults = asyncio.run(run_trial(server, expected, options.streams, dice))
        finally:
            server.terminate()
            code = server.wait()
        if code != 0:
            trial_faults.append(f"exit code {code}\n{server.log_text()}")
        faults += [f"trial {trial}: {fault}" for fault in trial_faults]
    report = {"trials": options.trials, "streams": options.trials * options.streams,
              "truncated": len(faults)}
    print(json.dumps(report, indent=2))
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(report, file, indent=2)
    for fault in faults[:10]:
        print(f"fault: {fault}")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
