"""A table of requests that must be refused, each with its status, its parameter and its message.

After each one a good request is served: nothing that a client sends stops the server.
"""

import json
import socket
import unittest

import serving

MAX_MODEL_LEN = 512
COMPLETIONS, CHAT = "/v1/completions", "/v1/chat/completions"
MESSAGES = [{"role": "user", "content": "Hi"}]
TOOL = {"type": "function", "function": {"name": "f", "parameters": {}}}


def completion(**fields):
    return COMPLETIONS, {"prompt": "Hi", "max_tokens": 2, **fields}


def chat(**fields):
    return CHAT, {"messages": MESSAGES, "max_tokens": 2, **fields}


def raw(text, path=COMPLETIONS):
    return path, text if isinstance(text, bytes) else text.encode()


# (name, (path, body), status, param or None for any, what the message must contain)
BAD_BODIES = [
    # The body as a whole.
    ("empty body", raw(""), 400, None, "body"),
    ("not JSON", raw("{prompt: 1}"), 400, None, "JSON"),
    ("JSON cut off", raw('{"prompt": "Hi", "max_tokens"'), 400, None, "JSON"),
    ("a list as body", raw("[1, 2]"), 400, None, "object"),
    ("a string as body", raw('"Hi"'), 400, None, "object"),
    ("text after the object", raw('{"prompt": "Hi"} and more'), 400, None, "JSON"),
    ("bytes that are not UTF-8", raw(b'{"prompt": "\xff\xfe"}'), 400, None, "JSON"),
    ("a lone surrogate", raw('{"prompt": "\\ud800"}'), 400, None, "JSON"),
    ("nested too deep", raw('{"prompt":' + "[" * 5000 + "]" * 5000 + "}"), 400, None, "nested"),
    ("number out of range", raw('{"prompt": "Hi", "temperature": 1e999}'), 400, None, ""),
    # The prompt.
    ("no prompt", (COMPLETIONS, {"max_tokens": 2}), 400, "prompt", "prompt"),
    ("prompt null", completion(prompt=None), 400, "prompt", "prompt"),
    ("prompt a number", completion(prompt=5), 400, "prompt", "prompt"),
    ("prompt an object", completion(prompt={"text": "Hi"}), 400, "prompt", "prompt"),
    ("prompt an empty list", completion(prompt=[]), 400, "prompt", "prompt"),
    ("prompt list with an empty list", completion(prompt=[[]]), 400, "prompt", "prompt"),
    ("prompt list of mixed kinds", completion(prompt=["Hi", 5]), 400, "prompt", "prompt"),
    ("token id below 0", completion(prompt=[1, -1]), 400, "prompt", "-1"),
    ("token id beyond the vocabulary", completion(prompt=[10 ** 6]), 400, "prompt", "1000000"),
    ("token id not whole", completion(prompt=[1.5]), 400, "prompt", "prompt"),
    ("prompt too long", completion(prompt=[5] * (MAX_MODEL_LEN + 1)), 400, None,
     str(MAX_MODEL_LEN)),
    ("prompt and max_tokens too long", completion(prompt=[5] * 100, max_tokens=MAX_MODEL_LEN),
     400, None, str(MAX_MODEL_LEN)),
    # Sampling.
    ("max_tokens 0", completion(max_tokens=0), 400, "max_tokens", "max_tokens"),
    ("max_tokens negative", completion(max_tokens=-5), 400, "max_tokens", "max_tokens"),
    ("max_tokens a string", completion(max_tokens="many"), 400, "max_tokens", "max_tokens"),
    ("max_tokens not whole", completion(max_tokens=2.5), 400, "max_tokens", "max_tokens"),
    ("min_tokens above max_tokens", completion(min_tokens=3), 400, "min_tokens", "min_tokens"),
    ("temperature negative", completion(temperature=-0.1), 400, "temperature", "temperature"),
    ("temperature a string", completion(temperature="hot"), 400, "temperature", "temperature"),
    ("top_p 0", completion(top_p=0), 400, "top_p", "top_p"),
    ("top_p above 1", completion(top_p=1.1), 400, "top_p", "top_p"),
    ("top_k below -1", completion(top_k=-2), 400, "top_k", "top_k"),
    ("min_p above 1", completion(min_p=1.5), 400, "min_p", "min_p"),
    ("presence_penalty above 2", completion(presence_penalty=2.1), 400, "presence_penalty",
     "presence_penalty"),
    ("frequency_penalty below -2", completion(frequency_penalty=-2.1), 400,
     "frequency_penalty", "frequency_penalty"),
    ("repetition_penalty 0", completion(repetition_penalty=0), 400, "repetition_penalty",
     "repetition_penalty"),
    ("n 0", completion(n=0), 400, "n", "n"),
    ("n huge", completion(n=100000), 400, "n", "n"),
    ("logprobs too many", completion(logprobs=1000), 400, "logprobs", "logprobs"),
    ("logprobs negative", completion(logprobs=-1), 400, "logprobs", "logprobs"),
    ("logit_bias a list", completion(logit_bias=[1]), 400, "logit_bias", "logit_bias"),
    ("logit_bias of an unknown token", completion(logit_bias={"9999999": 1}), 400, "logit_bias",
     "9999999"),
    ("logit_bias of no token", completion(logit_bias={"abc": 1}), 400, "logit_bias", "abc"),
    ("logit_bias above 100", completion(logit_bias={"5": 101}), 400, "logit_bias", "logit_bias"),
    ("stop empty", completion(stop=""), 400, "stop", "stop"),
    ("stop a number", completion(stop=5), 400, "stop", "stop"),
    ("stop a long list", completion(stop=["x"] * 1000), 400, "stop", "stop"),
    ("stop_token_ids a string", completion(stop_token_ids="5"), 400, "stop_token_ids",
     "stop_token_ids"),
    ("seed a string", completion(seed="lucky"), 400, "seed", "seed"),
    ("stream a string", completion(stream="yes"), 400, "stream", "stream"),
    ("stream_options without stream", completion(stream_options={"include_usage": True}), 400,
     "stream_options", "stream"),
    ("echo a number", completion(echo=1), 400, "echo", "echo"),
    ("priority a string", completion(priority="first"), 400, "priority", "priority"),
    # What is known and not supported is named, never ignored.
    ("suffix", completion(suffix="end"), 400, "suffix", "suffix"),
    ("response_format", chat(response_format={"type": "json_object"}), 400, "response_format",
     "response_format"),
    ("tools empty", chat(tools=[]), 400, "tools", "tools"),
    ("tool_choice without tools", chat(tool_choice="required"), 400, "tool_choice",
     "tool_choice"),
    # Chat.
    ("no messages", (CHAT, {"max_tokens": 2}), 400, "messages", "messages"),
    ("messages empty", chat(messages=[]), 400, "messages", "messages"),
    ("messages a string", chat(messages="Hi"), 400, "messages", "messages"),
    ("message a string", chat(messages=["Hi"]), 400, None, "messages"),
    ("message without role", chat(messages=[{"content": "Hi"}]), 400, None, "role"),
    ("message whose role is a number", chat(messages=[{"role": 5, "content": "Hi"}]), 400, None,
     "role"),
    ("message without content", chat(messages=[{"role": "user"}]), 400, None, "content"),
    ("message content a number", chat(messages=[{"role": "user", "content": 5}]), 400, None,
     "content"),
    ("message part of an unknown type",
     chat(messages=[{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]),
     400, None, "image_url"),
    ("top_logprobs without logprobs", chat(top_logprobs=2), 400, "top_logprobs", "logprobs"),
    ("top_logprobs too many", chat(logprobs=True, top_logprobs=1000), 400, "top_logprobs",
     "top_logprobs"),
    # Names.
    ("unknown model", completion(model="gpt-17"), 404, "model", "gpt-17"),
    ("model a number", completion(model=5), 400, "model", "model"),
    # Tokens.
    ("tokenize nothing", ("/tokenize", {}), 400, None, "prompt"),
    ("tokenize a number", ("/tokenize", {"prompt": 5}), 400, "prompt", "prompt"),
    ("detokenize a string", ("/detokenize", {"tokens": "abc"}), 400, "tokens", "tokens"),
    ("detokenize an unknown id", ("/detokenize", {"tokens": [10 ** 6]}), 400, "tokens",
     "1000000"),
]

# (name, method, path, status)
BAD_ROUTES = [
    ("unknown path", "GET", "/v2/completions", 404),
    ("unknown model in the path", "GET", "/v1/models/gpt-17", 404),
    ("GET where POST belongs", "GET", COMPLETIONS, 405),
    ("POST where GET belongs", "POST", "/v1/models", 405),
    ("a path that climbs", "GET", "/../../etc/passwd", 404),
]

# (name, bytes as sent, status of the answer)
BAD_WIRE = [
    ("no HTTP at all", b"hello\r\n\r\n", 400),
    ("an unknown HTTP version", b"GET /health HTTP/9.9\r\n\r\n", 400),
    ("a negative content length",
     b"POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n", 400),
    ("two content lengths",
     b"POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n"
     b"Content-Length: 3\r\n\r\n{}",
     400),
    ("a body announced too large",
     b"POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n", 413),
    ("a header too large", b"GET /health HTTP/1.1\r\nHost: x\r\nX-Big: " + b"a" * 200000
     + b"\r\n\r\n", 431),
    ("a chunk size that is no number",
     b"POST /v1/completions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
]


def setUpModule():
    global server
    server = serving.Server("smollm2", "--max-model-len", str(MAX_MODEL_LEN))
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
        self.assertGreaterEqual(len(BAD_BODIES), 40)
        names = [row[0] for row in BAD_BODIES]
        self.assertEqual(len(names), len(set(names)))

    def test_bad_bodies(self):
        for name, (path, body), status, param, fragment in BAD_BODIES:
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
        _, _, answer = server.request("POST", *completion(prompt=[5] * 777))
        error = self.assert_is_error(answer)
        self.assertEqual(error["code"], "context_length_exceeded")
        self.assertIn("777", error["message"])
        self.assertIn(str(MAX_MODEL_LEN), error["message"])

    def test_unknown_fields_are_ignored(self):
        self.assertEqual(
            server.request("POST", *completion(no_such_field=1))[0], 200)

    def test_bad_routes(self):
        for name, method, path, status in BAD_ROUTES:
            with self.subTest(name):
                actual, _, answer = server.request(method, path, {} if method == "POST" else None)
                self.assertEqual(actual, status, answer[:300])
                self.assert_is_error(answer)
                self.assert_serves_a_good_request()

    def test_bad_wire(self):
        for name, sent, status in BAD_WIRE:
            with self.subTest(name):
                answer = self.send_raw(sent)
                line = answer.split(b"\r\n", 1)[0]
                self.assertRegex(line.decode("latin-1"), rf"^HTTP/1\.1 {status}\b")
                self.assert_serves_a_good_request()

    @staticmethod
    def send_raw(sent):
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
            try:
                connection.sendall(sent)
            except OSError:
                pass  # the server may answer and close before all is sent
            answer = b""
            try:
                while b"\r\n\r\n" not in answer and (data := connection.recv(65536)):
                    answer += data
            except ConnectionResetError:
                pass
            return answer


if __name__ == "__main__":
    serving.run_tests("smollm2")
