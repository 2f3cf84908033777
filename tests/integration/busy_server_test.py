"""Many clients at once, of every kind: whatever they do, the server stays whole.

It runs on a tiny model, so that the sanitizer builds can run it too: they end the server with an
exit code of their own where threads race or memory is misused, and then the test fails.
"""

import json
import random
import threading
import time
import unittest

import serving

CLIENTS = 8
SECONDS = 10.0
SEED = 6
IDLE_SECONDS_MAX = 30.0
COMPLETIONS, CHAT = "/v1/completions", "/v1/chat/completions"
RUNNING, WAITING = ("oriel_requests_running",), ("oriel_requests_waiting",)


def reads_a_stream(server, dice):
    tokens = dice.randint(1, 60)
    connection, response = serving.open_stream(server, CHAT, {
        "messages": [{"role": "user", "content": "Hi " * dice.randint(1, 200)}],
        "max_tokens": tokens, "ignore_eos": True, "seed": dice.randint(0, 99)})
    events = list(serving.read_events(response))
    connection.close()
    assert events[-1] == "[DONE]", events[-1]
    reasons = [choice["finish_reason"] for event in events[:-1]
               for choice in json.loads(event)["choices"] if choice["finish_reason"]]
    assert reasons == ["length"], reasons


def cuts_a_stream(server, dice):
    connection, response = serving.open_stream(server, COMPLETIONS, {
        "prompt": "Once upon a time", "max_tokens": 2000, "ignore_eos": True})
    events = serving.read_events(response)
    for _ in range(dice.randint(0, 5)):
        next(events)
    if connection.sock is not None:
        connection.sock.close()
    connection.close()


def leaves_without_reading(server, dice):
    connection = serving.send_stream(server, COMPLETIONS, {
        "prompt": [5] * dice.randint(1, 1000), "max_tokens": 500})
    time.sleep(dice.uniform(0.0, 0.02))
    connection.close()


def asks_for_two_answers(server, dice):
    answer = server.post(COMPLETIONS, {
        "prompt": ["Hello", [7] * dice.randint(1, 300)], "n": 2, "logprobs": 2, "max_tokens": 9,
        "ignore_eos": True})
    assert len(answer["choices"]) == 4, answer
    assert answer["usage"]["completion_tokens"] == 4 * 9, answer


def asks_badly(server, dice):
    body = dice.choice([b"{", {"prompt": ""}, {"prompt": "Hi", "temperature": -1}])
    status, _, _ = server.request("POST", COMPLETIONS, body)
    assert status == 400, status


def reads_the_metrics(server, _):
    assert server.metrics()[("oriel_steps_total",)] >= 0


def counts_tokens(server, dice):
    text = "x" * dice.randint(1, 500)
    assert server.post("/tokenize", {"prompt": text})["count"] == len(text)


KINDS = [reads_a_stream, reads_a_stream, cuts_a_stream, leaves_without_reading,
         asks_for_two_answers, asks_badly, reads_the_metrics, counts_tokens]


class Client(threading.Thread):
    """Does one thing after the other until it is told to stop; keeps what went wrong."""

    def __init__(self, server, seed):
        super().__init__()
        self.server, self.dice = server, random.Random(seed)
        self.stopping = threading.Event()
        self.done = {kind.__name__: 0 for kind in KINDS}
        self.faults = []

    def run(self):
        while not self.stopping.is_set():
            kind = self.dice.choice(KINDS)
            try:
                kind(self.server, self.dice)
                self.done[kind.__name__] += 1
            except Exception as fault:  # all that goes wrong is to be shown
                self.faults.append(f"{kind.__name__}: {fault!r}")


def start_server():
    return serving.Server("tiny", "--max-num-seqs", "4", "--max-model-len", "4096")


def pages(server):
    return {key: value for key, value in server.metrics().items() if key[0] == "oriel_pages"}


class BusyServer(unittest.TestCase):
    def wait_until_idle(self, server):
        deadline = time.monotonic() + IDLE_SECONDS_MAX
        while True:
            metrics = server.metrics()
            if metrics[RUNNING] == 0 and metrics[WAITING] == 0:
                return
            self.assertLess(time.monotonic(), deadline, "requests of clients that left go on")
            time.sleep(0.05)

    def test_clients_of_every_kind_leave_no_trace(self):
        with start_server() as server:
            free = pages(server)
            clients = [Client(server, SEED + i) for i in range(CLIENTS)]
            for client in clients:
                client.start()
            time.sleep(SECONDS)
            for client in clients:
                client.stopping.set()
            for client in clients:
                client.join()
            self.assertEqual([fault for client in clients for fault in client.faults], [])
            for kind in KINDS:
                self.assertGreater(sum(client.done[kind.__name__] for client in clients), 0, kind)
            self.wait_until_idle(server)
            self.assertEqual(pages(server), free)

    def test_a_busy_server_stops_with_0(self):
        server = start_server()
        clients = [Client(server, SEED + i) for i in range(CLIENTS)]
        for client in clients:
            client.start()
        time.sleep(SECONDS / 5)
        for client in clients:
            client.stopping.set()
        code = server.stop()
        for client in clients:
            client.join()
        self.assertEqual(code, 0, server.log_text())


if __name__ == "__main__":
    serving.run_tests()
