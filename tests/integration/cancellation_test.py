"""A client that goes away gives its pages back: 100 streams are cut off, none leaves one behind."""

import json
import time
import unittest

import serving

STREAMS = 100
RELEASE_SECONDS_MAX = 5.0
PROMPT = "The history of the lighthouse begins long before electric light. " * 20
RUNNING, WAITING, STEPS = ("oriel_requests_running",), ("oriel_requests_waiting",), (
    "oriel_steps_total",)


def setUpModule():
    global server
    server = serving.Server("smollm2", "--max-model-len", "2048", "--max-num-seqs", "16")
    unittest.addModuleCleanup(server.__exit__, None, None, None)


def long_request():
    return {"model": server.model_id(), "prompt": PROMPT, "max_tokens": 1500, "ignore_eos": True,
            "temperature": 0}


def open_running_stream():
    """(connection, events) of a stream whose first token has come."""
    connection, response = serving.open_stream(server, "/v1/completions", long_request())
    events = serving.read_events(response)
    next(events)
    return connection, events


def cut(connection):
    """Closes the socket with the answer half read, as a client does that goes away."""
    if connection.sock is not None:
        connection.sock.close()
    connection.close()


def wait_until(condition):
    """The metrics once the condition holds of them."""
    deadline = time.monotonic() + RELEASE_SECONDS_MAX
    while True:
        metrics = server.metrics()
        if condition(metrics):
            return metrics
        if time.monotonic() > deadline:
            raise AssertionError(f"not so after {RELEASE_SECONDS_MAX} s: {metrics}")
        time.sleep(0.005)


def wait_until_idle():
    return wait_until(lambda metrics: metrics[RUNNING] == 0 and metrics[WAITING] == 0)


def pages_owned(metrics):
    """Pages of both pools that are not free."""
    return sum(value for key, value in metrics.items()
               if key[0] == "oriel_pages" and key[2] != "free")


class Cancellation(unittest.TestCase):
    def setUp(self):
        metrics = wait_until_idle()
        self.assertEqual(pages_owned(metrics), 0)
        self.free = {key: value for key, value in metrics.items() if key[0] == "oriel_pages"}
        self.assertEqual(len({key[1] for key in self.free}), 2)
        self.assertTrue(all(value > 0 for key, value in self.free.items() if key[2] == "free"))

    def assert_all_free(self):
        metrics = wait_until_idle()
        self.assertEqual(
            {key: value for key, value in metrics.items() if key[0] == "oriel_pages"}, self.free)

    def test_100_running_streams(self):
        for _ in range(STREAMS // 10):
            streams = [open_running_stream() for _ in range(10)]
            # A token may arrive before the counts of its step.
            metrics = wait_until(lambda metrics: metrics[RUNNING] == 10)
            self.assertGreater(pages_owned(metrics), 0)
            for connection, _ in streams:
                cut(connection)
            self.assert_all_free()

    def test_100_streams_at_once_most_of_them_waiting(self):
        connections = [serving.send_stream(server, "/v1/completions", long_request())
                       for _ in range(STREAMS)]
        wait_until(lambda metrics: metrics[WAITING] > 0)
        for connection in connections:
            cut(connection)
        self.assert_all_free()

    def test_pages_are_free_two_steps_after_the_cut_while_another_stream_goes_on(self):
        other, _ = open_running_stream()
        stream, _ = open_running_stream()
        wait_until(lambda metrics: metrics[RUNNING] == 2)
        cut(stream)
        steps_at_cut = server.metrics()[STEPS]
        metrics = wait_until(lambda metrics: metrics[RUNNING] == 1)
        cut(other)
        # Reading the metrics takes a step or two of its own.
        self.assertLessEqual(metrics[STEPS] - steps_at_cut, 2 + 2)
        self.assert_all_free()

    def test_a_request_that_is_not_streamed_is_cancelled_too(self):
        connection = server.connect()
        connection.request("POST", "/v1/completions", json.dumps(long_request()),
                           {"Content-Type": "application/json"})
        wait_until(lambda metrics: metrics[RUNNING] == 1)
        cut(connection)
        self.assert_all_free()

    def test_a_good_request_is_answered_afterwards(self):
        for _ in range(5):
            cut(open_running_stream()[0])
        answer = server.complete("At sea level, pure water boils at a temperature of",
                                 max_tokens=8)
        self.assertIn("100", answer["choices"][0]["text"])


if __name__ == "__main__":
    serving.run_tests("smollm2")
