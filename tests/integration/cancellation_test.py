"""A client that goes away gives its pages back: 100 streams are cut off, none leaves one behind."""

import contextlib
import json
import time
import unittest

import serving

STREAMS = 100
RELEASE_SECONDS_MAX = 5.0
PROMPT = "The history of the lighthouse begins long before electric light. " * 20


def setUpModule():
    global server
    server = serving.Server("smollm2", "--max-model-len", "2048", "--max-num-seqs", "16")
    unittest.addModuleCleanup(server.__exit__, None, None, None)


def open_long_stream():
    return serving.open_stream(server, "/v1/completions", {
        "model": server.model_id(), "prompt": PROMPT, "max_tokens": 1500, "ignore_eos": True,
        "temperature": 0})


def cut(stream):
    """Closes the socket with the answer half read, as a client does that goes away."""
    connection, response = stream
    with contextlib.suppress(OSError):
        response.close()
    connection.close()


def wait_for_idle():
    """The metrics once nothing runs and nothing waits."""
    deadline = time.monotonic() + RELEASE_SECONDS_MAX
    while True:
        metrics = server.metrics()
        if metrics["oriel_requests_running"] == 0 and metrics["oriel_requests_waiting"] == 0:
            return metrics
        if time.monotonic() > deadline:
            raise AssertionError(f"still busy after {RELEASE_SECONDS_MAX} s: {metrics}")
        time.sleep(0.01)


class Cancellation(unittest.TestCase):
    def setUp(self):
        self.idle = wait_for_idle()

    def assert_all_free(self):
        metrics = wait_for_idle()
        for pool in ("packed", "window"):
            self.assertEqual(metrics[f"oriel_{pool}_pages_free"],
                             metrics[f"oriel_{pool}_pages_total"])

    def test_100_running_streams(self):
        for batch in range(STREAMS // 10):
            streams = [open_long_stream() for _ in range(10)]
            for _, response in streams:
                next(serving.read_events(response))
            self.assertGreater(server.metrics()["oriel_requests_running"], 0)
            for stream in streams:
                cut(stream)
            self.assert_all_free()

    def test_100_streams_at_once_most_of_them_waiting(self):
        streams = [open_long_stream() for _ in range(STREAMS)]
        self.assertGreater(server.metrics()["oriel_requests_waiting"], 0)
        for stream in streams:
            cut(stream)
        self.assert_all_free()

    def test_pages_are_free_two_steps_after_the_cut_while_another_stream_goes_on(self):
        other, other_response = open_long_stream()
        events = serving.read_events(other_response)
        next(events)
        alone = self.settled_packed_pages_owned(events)
        stream = open_long_stream()
        next(serving.read_events(stream[1]))
        self.assertGreater(self.packed_pages_owned(server.metrics()), alone)
        cut(stream)
        steps_at_cut = server.metrics()["oriel_steps_total"]
        deadline = time.monotonic() + RELEASE_SECONDS_MAX
        while server.metrics()["oriel_requests_running"] > 1:
            self.assertLess(time.monotonic(), deadline)
            next(events)
        # One step may be under way when the cut is seen, and one more when the metrics are read.
        steps = server.metrics()["oriel_steps_total"] - steps_at_cut
        cut((other, other_response))
        self.assertLessEqual(steps, 2 + 2)
        self.assert_all_free()

    @staticmethod
    def packed_pages_owned(metrics):
        return metrics["oriel_packed_pages_total"] - metrics["oriel_packed_pages_free"]

    def settled_packed_pages_owned(self, events):
        for _ in range(3):
            next(events)
        return self.packed_pages_owned(server.metrics())

    def test_a_request_that_is_not_streamed_is_cancelled_too(self):
        connection = server.connect()
        connection.request("POST", "/v1/completions", json.dumps({
            "model": server.model_id(), "prompt": PROMPT, "max_tokens": 1500,
            "ignore_eos": True}), {"Content-Type": "application/json"})
        deadline = time.monotonic() + RELEASE_SECONDS_MAX
        while server.metrics()["oriel_requests_running"] == 0:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.01)
        connection.close()
        self.assert_all_free()

    def test_a_good_request_is_answered_afterwards(self):
        for _ in range(5):
            cut(open_long_stream())
        answer = server.complete("At sea level, pure water boils at a temperature of",
                                 max_tokens=8)
        self.assertIn("100", answer["choices"][0]["text"])


if __name__ == "__main__":
    serving.run_tests("smollm2")
