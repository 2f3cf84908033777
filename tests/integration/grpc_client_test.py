"""grpcio against the built server on a real model: the same answers and faults as over HTTP."""

import json
import time
import unittest

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase)

import serving
from grpc_serving import GrpcServer, messages, request, services, trailers_of

PROMPT = "At sea level, pure water boils at a temperature of"
MESSAGES = [{"role": "user", "content": "Name three primary colours."}]
LONG_PROMPT = "The history of the lighthouse begins long before electric light. " * 20
MAX_MODEL_LEN = 2048
WAIT_SECONDS_MAX = 60.0  # what is waited for comes in steps, and a busy machine makes them long
POLL_SECONDS = 0.01
SERVICE = "oriel.v1.Generation"


def setUpModule():
    global server
    server = GrpcServer("smollm2", "--max-model-len", str(MAX_MODEL_LEN),
                        "--max-body-bytes", "256KiB")
    unittest.addModuleCleanup(server.__exit__, None, None, None)


def chat(contents=MESSAGES):
    return messages.Chat(messages=[messages.ChatMessage(**message) for message in contents])


def read_all(stream):
    """(text, token ids, last message) of a stream read to its end."""
    text, tokens, last = "", [], None
    for last in stream:
        text += last.text
        tokens += last.token_ids
    return text, tokens, last


class Answers(unittest.TestCase):
    def test_unary_is_what_http_says(self):
        answer = server.stub.Generate(request(PROMPT, max_tokens=24))
        over_http = server.complete(PROMPT, max_tokens=24)
        self.assertEqual(answer.text, over_http["choices"][0]["text"])
        self.assertIn("100", answer.text)
        self.assertEqual(answer.usage.prompt_tokens, over_http["usage"]["prompt_tokens"])
        self.assertEqual(answer.usage.generated_tokens, over_http["usage"]["completion_tokens"])
        self.assertEqual(answer.finish_reason, messages.FINISH_REASON_LENGTH)
        self.assertEqual(answer.model, server.model_id())

    def test_a_chat_is_what_http_says(self):
        answer = server.stub.Generate(messages.GenerateRequest(
            chat=chat(), max_tokens=24, sampling=messages.SamplingParameters(temperature=0)))
        over_http = server.post("/v1/chat/completions", {
            "messages": MESSAGES, "max_tokens": 24, "temperature": 0})
        self.assertEqual(answer.text, over_http["choices"][0]["message"]["content"])

    def test_a_seeded_answer_is_what_http_says(self):
        sampling = messages.SamplingParameters(temperature=0.8, top_p=0.9, seed=7)
        answer = server.stub.Generate(request(PROMPT, max_tokens=24, sampling=sampling))
        over_http = server.complete(PROMPT, max_tokens=24, temperature=0.8, top_p=0.9, seed=7)
        self.assertEqual(answer.text, over_http["choices"][0]["text"])

    def test_a_stream_is_what_unary_says(self):
        wanted = request(PROMPT, max_tokens=40, ignore_eos=True)
        answer = server.stub.Generate(wanted)
        text, tokens, last = read_all(server.stub.GenerateStream(wanted))
        self.assertEqual(text, answer.text)
        self.assertEqual(tokens, list(answer.token_ids))
        self.assertEqual(len(tokens), 40)
        self.assertEqual(last.usage, answer.usage)
        self.assertEqual(last.finish_reason, answer.finish_reason)

    def test_log_probabilities_are_http_s(self):
        answer = server.stub.Generate(request(PROMPT, max_tokens=5, logprobs=2))
        over_http = server.complete(PROMPT, max_tokens=5, logprobs=2)["choices"][0]["logprobs"]
        self.assertEqual([token.token.decode() for token in answer.logprobs], over_http["tokens"])
        for token, value in zip(answer.logprobs, over_http["token_logprobs"]):
            self.assertAlmostEqual(token.logprob, value, places=5)
            self.assertEqual(len(token.top), 2)

    def test_a_stop_text_ends_the_answer_and_is_named(self):
        whole = server.stub.Generate(request(PROMPT, max_tokens=24)).text
        stop = whole[8:11]
        answer = server.stub.Generate(request(PROMPT, max_tokens=24, stop=[stop]))
        self.assertEqual(answer.text, whole[:whole.index(stop)])
        self.assertEqual(answer.stop_reason.stop, stop)
        self.assertEqual(answer.finish_reason, messages.FINISH_REASON_STOP)

    def test_the_request_id_comes_back(self):
        answer, call = server.stub.Generate.with_call(request("Hi", max_tokens=1, request_id="me"))
        self.assertEqual(answer.request_id, "me")
        self.assertIn(("x-request-id", "me"), list(call.initial_metadata()))
        answer = server.stub.Generate(request("Hi", max_tokens=1),
                                      metadata=[("x-request-id", "from-metadata")])
        self.assertEqual(answer.request_id, "from-metadata")


class Service(unittest.TestCase):
    def test_tokenize_is_what_http_says(self):
        answer = server.stub.Tokenize(messages.TokenizeRequest(text=PROMPT))
        over_http = server.post("/tokenize", {"prompt": PROMPT})
        self.assertEqual(list(answer.token_ids), over_http["tokens"])
        self.assertEqual(answer.max_model_len, MAX_MODEL_LEN)
        answer = server.stub.Tokenize(messages.TokenizeRequest(chat=chat()))
        self.assertEqual(list(answer.token_ids),
                         server.post("/tokenize", {"messages": MESSAGES})["tokens"])

    def test_server_info_has_the_geometry(self):
        info = server.stub.GetServerInfo(messages.GetServerInfoRequest())
        self.assertEqual(info.max_model_len, MAX_MODEL_LEN)
        cache = info.kv_cache
        self.assertEqual((cache.page_tokens, cache.window_tokens, cache.sink_tokens),
                         (64, 128, 5))
        self.assertEqual((cache.key_codec, cache.value_codec), ("int2", "e8_1p5"))
        self.assertGreater(cache.pages_total, 0)
        self.assertGreater(cache.window_pages_total, 0)
        self.assertEqual(len(cache.layers), 30)
        self.assertEqual({len(layer.key_bits) for layer in cache.layers}, {3})
        self.assertAlmostEqual((cache.key_bits_mean + cache.value_bits_mean) / 2, 1.953, places=3)
        # 30 layers of 3 heads of 64 values, twice.
        self.assertEqual(cache.fp16_bytes_per_token, 30 * 3 * 64 * 2 * 2)
        self.assertAlmostEqual(cache.bytes_per_token,
                               cache.fp16_bytes_per_token / 16 * 1.953125, places=3)

    def test_reflection_lists_the_services_and_their_methods(self):
        database = ProtoReflectionDescriptorDatabase(server.channel)
        self.assertLessEqual({SERVICE, "grpc.health.v1.Health"}, set(database.get_services()))
        file = database.FindFileContainingSymbol(SERVICE)
        methods = {method.name for method in file.service[0].method}
        self.assertEqual(methods, {"Generate", "GenerateStream", "Tokenize", "Abort",
                                   "GetServerInfo"})
        health = database.FindFileContainingSymbol("grpc.health.v1.Health")
        self.assertEqual({method.name for method in health.service[0].method},
                         {"Check", "Watch"})

    def test_health_is_serving_for_the_server_and_the_service(self):
        stub = health_pb2_grpc.HealthStub(server.channel)
        for service in ("", SERVICE):
            answer = stub.Check(health_pb2.HealthCheckRequest(service=service))
            self.assertEqual(answer.status, health_pb2.HealthCheckResponse.SERVING)
        with self.assertRaises(grpc.RpcError) as caught:
            stub.Check(health_pb2.HealthCheckRequest(service="no.such.Service"))
        self.assertEqual(caught.exception.code(), grpc.StatusCode.NOT_FOUND)

    def test_calls_are_counted(self):
        def count(code):
            return server.metrics().get(("oriel_grpc_responses_total", code, "Generate"), 0) + \
                server.metrics().get(("oriel_grpc_responses_total", "Generate", code), 0)
        before, finished = count("OK"), server.metrics()[("oriel_requests_finished_total",
                                                          "length")]
        server.stub.Generate(request("Hi", max_tokens=2, ignore_eos=True))
        self.assertEqual(count("OK"), before + 1)
        self.assertEqual(server.metrics()[("oriel_requests_finished_total", "length")],
                         finished + 1)


def wait_until(condition):
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while True:
        info = server.stub.GetServerInfo(messages.GetServerInfoRequest())
        if condition(info):
            return info
        if time.monotonic() > deadline:
            raise AssertionError(f"not so after {WAIT_SECONDS_MAX} s: {info}")
        time.sleep(POLL_SECONDS)


def is_idle(info):
    cache = info.kv_cache
    return (info.requests_running == info.requests_waiting == 0
            and cache.pages_free == cache.pages_total
            and cache.window_pages_free == cache.window_pages_total)


class Endings(unittest.TestCase):
    def setUp(self):
        wait_until(is_idle)

    def long_request(self, **fields):
        return request(LONG_PROMPT, max_tokens=1500, ignore_eos=True, **fields)

    def assert_code(self, error, code):
        self.assertEqual(error.code(), code, error)

    def test_a_deadline_ends_the_call_and_gives_its_pages_back(self):
        with self.assertRaises(grpc.RpcError) as caught:
            server.stub.Generate(self.long_request(), timeout=0.7)
        self.assert_code(caught.exception, grpc.StatusCode.DEADLINE_EXCEEDED)
        wait_until(is_idle)
        stream = server.stub.GenerateStream(self.long_request(), timeout=0.7)
        with self.assertRaises(grpc.RpcError) as caught:
            read_all(stream)
        self.assert_code(caught.exception, grpc.StatusCode.DEADLINE_EXCEEDED)
        wait_until(is_idle)

    def test_a_cancelled_stream_gives_its_pages_back_within_two_steps(self):
        other = server.stub.GenerateStream(self.long_request())
        stream = server.stub.GenerateStream(self.long_request())
        next(other)
        next(stream)
        wait_until(lambda info: info.requests_running == 2)
        steps = ("oriel_steps_total",)
        stream.cancel()
        steps_at_cut = server.metrics()[steps]
        wait_until(lambda info: info.requests_running == 1)
        steps_at_end = server.metrics()[steps]
        other.cancel()
        # Asking takes a step or two of its own, at both ends.
        self.assertLessEqual(steps_at_end - steps_at_cut, 2 + 4)
        wait_until(is_idle)

    def test_1000_cancelled_streams_leave_nothing_behind(self):
        # Of 50 at a time 10 are long enough for packed pages; as many run as may, the others wait.
        short = request(LONG_PROMPT[:200], max_tokens=1500, ignore_eos=True)
        for _ in range(20):
            streams = [server.stub.GenerateStream(self.long_request() if i < 10 else short)
                       for i in range(50)]
            wait_until(lambda info: info.requests_running > 4 and info.requests_waiting > 0)
            for stream in streams:
                stream.cancel()
            wait_until(is_idle)

    def test_a_connection_that_breaks_cancels_its_calls(self):
        channel = server.open_channel()
        stub = services.GenerationStub(channel)
        streams = [stub.GenerateStream(self.long_request()) for _ in range(3)]
        next(streams[0])
        wait_until(lambda info: info.requests_running > 0)
        channel.close()
        wait_until(is_idle)

    def test_abort_ends_a_call_by_its_id(self):
        stream = server.stub.GenerateStream(self.long_request(request_id="to-abort"))
        next(stream)
        answer = server.stub.Abort(messages.AbortRequest(request_id="to-abort"))
        self.assertEqual(answer.num_aborted, 1)
        with self.assertRaises(grpc.RpcError) as caught:
            read_all(stream)
        self.assert_code(caught.exception, grpc.StatusCode.ABORTED)
        wait_until(is_idle)
        answer = server.stub.Abort(messages.AbortRequest(request_id="to-abort"))
        self.assertEqual(answer.num_aborted, 0)


# (name, HTTP fields of a completion, the same for gRPC)
BAD_FIELDS = [
    ("max_tokens 0", {"max_tokens": 0}, {"max_tokens": 0}),
    ("max_tokens negative", {"max_tokens": -5}, {"max_tokens": -5}),
    ("beyond the context", {"max_tokens": 5000}, {"max_tokens": 5000}),
    ("min_tokens above", {"max_tokens": 2, "min_tokens": 3}, {"max_tokens": 2, "min_tokens": 3}),
    ("logprobs many", {"logprobs": 1000}, {"logprobs": 1000}),
    ("logprobs negative", {"logprobs": -1}, {"logprobs": -1}),
    ("stop empty", {"stop": [""]}, {"stop": [""]}),
    ("stop long list", {"stop": ["x"] * 99}, {"stop": ["x"] * 99}),
    ("stop long", {"stop": "x" * 999}, {"stop": ["x" * 999]}),
    ("stop token unknown", {"stop_token_ids": [10 ** 6]}, {"stop_token_ids": [10 ** 6]}),
    ("model unknown", {"model": "gpt-17"}, {"model": "gpt-17"}),
]
BAD_SAMPLING = [
    ("temperature", -0.5), ("temperature", 200), ("top_p", 0), ("top_p", 1.5), ("top_k", -2),
    ("min_p", 1.5), ("min_p", -1), ("presence_penalty", 2.5), ("frequency_penalty", -2.5),
    ("repetition_penalty", 0), ("logit_bias", {10 ** 6: 1}), ("logit_bias", {5: 101}),
]
BAD_PROMPTS = [
    ("text empty", {"prompt": ""}, messages.GenerateRequest(text="")),
    ("ids empty", {"prompt": []}, messages.GenerateRequest(token_ids=messages.TokenIds())),
    ("id negative", {"prompt": [1, -1]},
     messages.GenerateRequest(token_ids=messages.TokenIds(ids=[1, -1]))),
    ("id unknown", {"prompt": [10 ** 6]},
     messages.GenerateRequest(token_ids=messages.TokenIds(ids=[10 ** 6]))),
    ("too long", {"prompt": [5] * 3000},
     messages.GenerateRequest(token_ids=messages.TokenIds(ids=[5] * 3000))),
    ("missing", {}, messages.GenerateRequest()),
]


class BadInput(unittest.TestCase):
    def assert_refused_alike(self, path, body, message):
        """Both fronts refuse it in the same words; afterwards a good request is served."""
        status, _, answer = server.request("POST", path, body)
        fault = json.loads(answer)["error"]
        for call in (lambda: server.stub.Generate(message),
                     lambda: read_all(server.stub.GenerateStream(message))):
            with self.assertRaises(grpc.RpcError) as caught:
                call()
            error = caught.exception
            expected = grpc.StatusCode.NOT_FOUND if status == 404 else \
                grpc.StatusCode.INVALID_ARGUMENT
            self.assertEqual(error.code(), expected)
            self.assertEqual(error.details(), fault["message"])
            trailers = trailers_of(error)
            self.assertEqual(trailers.get("x-oriel-error-param"), fault["param"])
            self.assertEqual(trailers.get("x-oriel-error-code"), fault["code"])
            self.assertEqual(trailers["x-oriel-error-type"], fault["type"])
        self.assertIn("100", server.stub.Generate(request(PROMPT, max_tokens=4)).text)

    def test_the_table_is_long_enough(self):
        self.assertGreaterEqual(len(BAD_FIELDS) + len(BAD_SAMPLING) + len(BAD_PROMPTS), 20)

    def test_fields(self):
        for name, over_http, over_grpc in BAD_FIELDS:
            with self.subTest(name):
                self.assert_refused_alike("/v1/completions", {"prompt": "Hi", **over_http},
                                          messages.GenerateRequest(text="Hi", **over_grpc))

    def test_sampling(self):
        for name, value in BAD_SAMPLING:
            with self.subTest(name, value=value):
                sampling = messages.SamplingParameters(**{name: value})
                self.assert_refused_alike("/v1/completions", {"prompt": "Hi", name: value},
                                          messages.GenerateRequest(text="Hi", sampling=sampling))

    def test_prompts(self):
        for name, body, message in BAD_PROMPTS:
            with self.subTest(name):
                self.assert_refused_alike("/v1/completions", body, message)

    def test_chats(self):
        for name, contents in (("none", []), ("unknown role", [{"role": "king", "content": "a"}]),
                               ("no content", [{"role": "user"}])):
            with self.subTest(name):
                self.assert_refused_alike("/v1/chat/completions", {"messages": contents},
                                          messages.GenerateRequest(chat=chat(contents)))

    def test_a_message_too_large_is_refused(self):
        with self.assertRaises(grpc.RpcError) as caught:
            server.stub.Generate(messages.GenerateRequest(text="x" * 400_000))
        self.assertEqual(caught.exception.code(), grpc.StatusCode.RESOURCE_EXHAUSTED)
        self.assertIn("100", server.stub.Generate(request(PROMPT, max_tokens=4)).text)

    def test_bytes_that_are_no_message_are_refused(self):
        call = server.channel.unary_unary(f"/{SERVICE}/Generate")
        for junk in (b"\xff" * 100, b"\x1a\x05ab", b"\x1a\x02\xff\xfe"):
            with self.assertRaises(grpc.RpcError) as caught:
                call(junk)
            self.assertNotEqual(caught.exception.code(), grpc.StatusCode.OK)
        with self.assertRaises(grpc.RpcError) as caught:
            server.channel.unary_unary(f"/{SERVICE}/NoSuchMethod")(b"")
        self.assertEqual(caught.exception.code(), grpc.StatusCode.UNIMPLEMENTED)
        self.assertIn("100", server.stub.Generate(request(PROMPT, max_tokens=4)).text)


if __name__ == "__main__":
    serving.run_tests("smollm2")
