"""A table of requests that must be refused, each with its status, its parameter and its message.

After each one a good request is served: nothing that a client sends stops the server.
"""

import json
import re
import socket
import unittest

import bad_request_tables as tables
import serving

MAX_MODEL_LEN = tables.MAX_MODEL_LEN
COMPLETIONS = tables.COMPLETIONS
READ_TIMEOUT_S = 1


def setUpModule():
    global server
    server = serving.Server("smollm2", "--max-model-len", str(MAX_MODEL_LEN),
                            "--read-timeout", str(READ_TIMEOUT_S))
    unittest.addModuleCleanup(server.__exit__, None, None, None)


class BadRequests(unittest.TestCase):
    def assert_serves_a_good_request(self):
        answer = server.complete("At sea level, pure water boils at a temperature of",
                                 max_tokens=4)
        self.assertIn("100", answer["choices"][0]["text"])

    def assert_is_error(self, body):
        """The error object of an answer that has OpenAI's shape: all four keys."""
        error = json.loads(body)["error"]
        self.assertLessEqual({"message", "type", "param", "code"}, set(error))
        self.assertIsInstance(error["message"], str)
        self.assertTrue(error["message"])
        self.assertIsInstance(error["type"], str)
        self.assertIsInstance(error["code"], (str, type(None)))
        return error

    def test_the_table_is_long_enough(self):
        rows = [*tables.BAD_BODIES, *tables.BAD_ROUTES, *tables.BAD_WIRE]
        self.assertGreaterEqual(len(rows), 150)
        names = [row[0] for row in rows]
        self.assertEqual(len(names), len(set(names)))

    def test_bad_bodies(self):
        for name, (path, body), status, param, fragment in tables.BAD_BODIES:
            with self.subTest(name):
                actual, headers, answer = server.request("POST", path, body)
                self.assertEqual(actual, status, answer[:300])
                error = self.assert_is_error(answer)
                if param is not None:
                    self.assertEqual(error["param"], param, error)
                self.assertIn(fragment, error["message"])
                self.assertTrue(headers["x-request-id"])
                self.assert_serves_a_good_request()

    def test_a_fault_of_a_streaming_request_is_a_plain_error(self):
        status, headers, answer = server.request(
            "POST", COMPLETIONS, {"prompt": "Hi", "stream": True, "temperature": -1})
        self.assertEqual(status, 400)
        self.assertIn("application/json", headers["content-type"])
        self.assert_is_error(answer)

    def test_a_prompt_too_long_has_its_code_and_both_numbers(self):
        _, _, answer = server.request("POST", *tables.completion(prompt=[5] * 777))
        error = self.assert_is_error(answer)
        self.assertEqual(error["code"], "context_length_exceeded")
        self.assertIn("777", error["message"])
        self.assertIn(str(MAX_MODEL_LEN), error["message"])

    def test_unknown_fields_are_ignored(self):
        self.assertEqual(
            server.request("POST", *tables.completion(no_such_field=1))[0], 200)

    def test_bad_routes(self):
        for name, method, path, status in tables.BAD_ROUTES:
            with self.subTest(name):
                actual, _, answer = server.request(method, path, {} if method == "POST" else None)
                self.assertEqual(actual, status, answer[:300])
                self.assert_is_error(answer)
                self.assert_serves_a_good_request()

    def test_bad_wire(self):
        for name, sent, status in tables.BAD_WIRE:
            with self.subTest(name):
                self.assertEqual(self.statuses_of(self.send_raw(sent)), [status])
                self.assert_serves_a_good_request()

    def test_odd_wire(self):
        for name, sent, statuses in tables.ODD_WIRE:
            with self.subTest(name):
                self.assertEqual(self.statuses_of(self.send_raw(sent)), statuses)
                self.assert_serves_a_good_request()

    def test_a_hundred_slow_senders_hold_up_nobody(self):
        slow = [socket.create_connection(("127.0.0.1", server.port), timeout=30)
                for _ in range(100)]
        for connection in slow:
            connection.sendall(b"POST /v1/comp")
        self.assert_serves_a_good_request()
        for connection in slow:
            self.assertIn(b" 408 ", connection.recv(65536).split(b"\r\n", 1)[0])
            connection.close()
        self.assert_serves_a_good_request()

    @staticmethod
    def statuses_of(answer):
        return [int(status) for status in
                re.findall(rb"HTTP/1\.[01] (\d{3}) [\w ]+\r\nserver: oriel\r\n", answer)]

    @staticmethod
    def send_raw(sent):
        """All that comes back until the server says no more for a while or closes."""
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
            try:
                connection.sendall(sent)
            except OSError:
                pass  # the server may answer and close before all is sent
            answer = b""
            try:
                while data := connection.recv(65536):
                    answer += data
                    connection.settimeout(READ_TIMEOUT_S / 2)
            except (ConnectionResetError, TimeoutError):
                pass
            return answer


if __name__ == "__main__":
    serving.run_tests("smollm2")
