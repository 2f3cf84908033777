"""SIGTERM at a random moment, again and again, under streams of whatever protocol."""

import random
import time

import serving

TRIALS = 20
STREAMS = 6


def find_faults(seed, start_server, make_stream):
    """What was wrong in any trial. `make_stream` takes a server and the tokens to ask for; its
    streams are threads with the event `begun` and the method `fault`."""
    dice = random.Random(seed)
    faults = []
    for trial in range(TRIALS):
        server = start_server()
        streams = [make_stream(server, dice.randint(20, 120)) for _ in range(STREAMS)]
        for stream in streams:
            stream.start()
        for stream in streams:
            if not stream.begun.wait(serving.REQUEST_SECONDS_MAX):
                faults.append(f"trial {trial}: a stream did not begin")
        time.sleep(dice.uniform(0.0, 0.3))
        code = server.stop()
        for stream in streams:
            stream.join(serving.STOP_SECONDS_MAX)
        faults += [f"trial {trial}: {fault}" for fault in (s.fault() for s in streams) if fault]
        if code != 0:
            faults.append(f"trial {trial}: exit code {code}\n{server.log_text()}")
    return faults
