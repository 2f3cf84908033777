"""SIGTERM under streaming load: every stream that was begun is ended properly."""

import json
import threading
import time
import unittest

import serving
import shutdown_trials

SEED = 20


class Stream(threading.Thread):
    """One streamed completion, read to its end in a thread of its own."""

    def __init__(self, server, model, max_tokens):
        super().__init__()
        self.server, self.model, self.max_tokens = server, model, max_tokens
        self.begun = threading.Event()
        self.status = None
        self.events = []

    def run(self):
        try:
            connection, response = serving.open_stream(self.server, "/v1/completions", {
                "model": self.model, "prompt": "Once upon a time", "temperature": 0,
                "max_tokens": self.max_tokens, "ignore_eos": True})
            self.status = response.status
            if self.status == 200:
                for event in serving.read_events(response):
                    self.events.append(event)
                    self.begun.set()
            connection.close()
        except OSError as error:
            self.events.append(f"broken off: {error!r}")
        finally:
            self.begun.set()

    def fault(self):
        """What is wrong with a stream that was accepted, or None."""
        if self.status != 200:
            return f"status {self.status} for a request from before the signal"
        if not self.events or self.events[-1] != "[DONE]":
            return f"ends with {self.events[-1:]}, not with [DONE]"
        reasons = [choice["finish_reason"] for event in self.events[:-1]
                   for choice in json.loads(event)["choices"] if choice["finish_reason"]]
        if reasons != ["length"]:
            return f"finish reasons {reasons}"
        return None


class Shutdown(unittest.TestCase):
    def test_20_trials_without_a_truncated_stream(self):
        faults = shutdown_trials.find_faults(
            SEED, lambda: serving.Server("smollm2"),
            lambda server, tokens: Stream(server, server.model_id(), tokens))
        self.assertEqual(faults, [])

    def test_while_draining_it_is_not_ready_and_refuses_new_work(self):
        server = serving.Server("smollm2")
        model = server.model_id()
        stream = Stream(server, model, 400)
        stream.start()
        self.assertTrue(stream.begun.wait(serving.REQUEST_SECONDS_MAX))
        kept_open = server.connect()
        kept_open.request("GET", "/readyz")
        self.assertEqual(kept_open.getresponse().read() and 200, 200)
        server.terminate()
        time.sleep(0.2)
        self.assertTrue(stream.is_alive(), "the stream ended before draining could be observed")
        self.assert_refused(server, "GET", "/readyz", None)
        self.assert_refused(server, "POST", "/v1/completions",
                            {"model": model, "prompt": "Hi", "max_tokens": 1})
        self.assertEqual(server.process.wait(serving.STOP_SECONDS_MAX), 0)
        stream.join()
        self.assertIsNone(stream.fault())

    def assert_refused(self, server, method, path, body):
        """503, or no connection at all: either keeps new work away."""
        try:
            status, headers, _ = server.request(method, path, body)
        except OSError:
            return
        self.assertEqual(status, 503)
        if method == "POST":
            self.assertTrue(headers["retry-after"])

    def test_a_second_signal_ends_it_at_once(self):
        server = serving.Server("smollm2")
        stream = Stream(server, server.model_id(), 4000)
        stream.start()
        self.assertTrue(stream.begun.wait(serving.REQUEST_SECONDS_MAX))
        server.terminate()
        time.sleep(0.3)
        started = time.monotonic()
        server.stop()
        self.assertLess(time.monotonic() - started, 5.0)
        stream.join(serving.STOP_SECONDS_MAX)

    def test_an_idle_server_stops_with_0(self):
        self.assertEqual(serving.Server("smollm2").stop(), 0)


if __name__ == "__main__":
    serving.run_tests("smollm2")
