"""What a server says while its model loads, and afterwards."""

import http.client
import json
import signal
import time
import unittest
import urllib.error
import urllib.request

import fake_server

LOAD_MS = 2000


class LoadingServer(fake_server.FakeServer):
    """A server that is listening and still loads."""

    def __init__(self):
        super().__init__("--load-ms", LOAD_MS, "--step-ms", 1)

    def _is_ready(self):
        return True

    def wait_until_ready(self):
        deadline = time.monotonic() + fake_server.START_SECONDS_MAX
        while not super()._is_ready():
            if time.monotonic() > deadline:
                raise AssertionError("not ready")
            time.sleep(0.02)

    def ask(self, method, path, body=None):
        """(status, headers, body) of any answer."""
        request = urllib.request.Request(self.url + path, body, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return response.status, response.headers, response.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read()


class Loading(unittest.TestCase):
    def test_only_livez_answers_until_the_model_is_there(self):
        with LoadingServer() as server:
            self.assertEqual(server.ask("GET", "/livez")[0], 200)
            for method, path in (("GET", "/readyz"), ("GET", "/health"), ("GET", "/metrics"),
                                 ("GET", "/v1/models"), ("POST", "/v1/completions"),
                                 ("POST", "/v1/chat/completions"), ("GET", "/no/such/path")):
                sent = b"{}" if method == "POST" else None
                status, headers, body = server.ask(method, path, sent)
                self.assertEqual(status, 503, path)
                self.assertGreater(int(headers["retry-after"]), 0, path)
                error = json.loads(body)["error"]
                self.assertEqual(error["code"], "loading", path)
                self.assertIn("loading", error["message"])
            server.wait_until_ready()
            for path in ("/livez", "/readyz", "/health", "/metrics", "/v1/models"):
                self.assertEqual(server.ask("GET", path)[0], 200, path)
            self.assertEqual(server.ask("GET", "/no/such/path")[0], 404)
            body = json.dumps({"prompt": "Hi", "max_tokens": 2}).encode()
            self.assertEqual(server.ask("POST", "/v1/completions", body)[0], 200)

    def test_a_connection_from_before_goes_on_afterwards(self):
        with LoadingServer() as server:
            connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
            connection.request("GET", "/health")
            response = connection.getresponse()
            self.assertEqual((response.status, bool(response.read())), (503, True))
            server.wait_until_ready()
            connection.request("GET", "/health")
            self.assertEqual(connection.getresponse().status, 200)
            connection.close()

    def test_a_signal_ends_a_loading_server_at_once(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            server = LoadingServer()
            begin = time.monotonic()
            server.process.send_signal(number)
            self.assertEqual(server.wait(), 128 + number)
            self.assertLess(time.monotonic() - begin, LOAD_MS / 1000)


if __name__ == "__main__":
    unittest.main(verbosity=2)
