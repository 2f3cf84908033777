"""SIGTERM under gRPC streams: every stream that was begun is complete, and watchers hear of it."""

import threading
import time
import unittest

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

import serving
import shutdown_trials
from grpc_serving import GrpcServer, request

SEED = 21


class Stream(threading.Thread):
    """One stream, read to its end in a thread of its own."""

    def __init__(self, server, max_tokens):
        super().__init__()
        self.max_tokens = max_tokens
        self.call = server.stub.GenerateStream(
            request("Once upon a time", max_tokens=max_tokens, ignore_eos=True))
        self.begun = threading.Event()
        self.tokens = 0
        self.reason = 0
        self.error = None

    def run(self):
        try:
            for message in self.call:
                self.tokens += len(message.token_ids)
                self.reason = message.finish_reason
                self.begun.set()
        except grpc.RpcError as error:
            self.error = error
        finally:
            self.begun.set()

    def fault(self):
        """What is wrong with a stream that was accepted, or None."""
        if self.error is not None:
            return f"ended with {self.error.code()}: {self.error.details()}"
        if self.tokens != self.max_tokens or not self.reason:
            return f"{self.tokens} of {self.max_tokens} tokens, finish reason {self.reason}"
        return None


class Watcher(threading.Thread):
    """Notes what a health Watch reports, and when."""

    def __init__(self, server, service):
        super().__init__()
        self.call = health_pb2_grpc.HealthStub(server.channel).Watch(
            health_pb2.HealthCheckRequest(service=service))
        self.seen = []
        self.changed = threading.Event()

    def run(self):
        try:
            for answer in self.call:
                self.seen.append((answer.status, time.monotonic()))
                self.changed.set()
        except grpc.RpcError:
            pass  # the server is gone

    def wait_for(self, status, seconds):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.seen and self.seen[-1][0] == status:
                return True
            time.sleep(0.005)
        return False


class Shutdown(unittest.TestCase):
    def test_20_trials_without_a_truncated_stream(self):
        faults = shutdown_trials.find_faults(SEED, lambda: GrpcServer("smollm2"), Stream)
        self.assertEqual(faults, [])

    def test_watchers_hear_at_once_new_work_is_refused_and_running_work_ends(self):
        server = GrpcServer("smollm2")
        serving_status = health_pb2.HealthCheckResponse.SERVING
        not_serving = health_pb2.HealthCheckResponse.NOT_SERVING
        watchers = [Watcher(server, name) for name in ("", "oriel.v1.Generation")]
        stream = Stream(server, 400)
        for thread in (*watchers, stream):
            thread.start()
        for watcher in watchers:
            self.assertTrue(watcher.wait_for(serving_status, 10))
        self.assertTrue(stream.begun.wait(serving.REQUEST_SECONDS_MAX))
        server.terminate()
        for watcher in watchers:
            self.assertTrue(watcher.wait_for(not_serving, 2.0), watcher.seen)
        self.assertTrue(stream.is_alive(), "the stream ended before draining could be observed")
        with self.assertRaises(grpc.RpcError) as caught:
            server.stub.Generate(request("Hi", max_tokens=1))
        self.assertEqual(caught.exception.code(), grpc.StatusCode.UNAVAILABLE)
        self.assertEqual(server.process.wait(serving.STOP_SECONDS_MAX), 0)
        for thread in (stream, *watchers):
            thread.join(serving.STOP_SECONDS_MAX)
        self.assertIsNone(stream.fault())
        self.assertEqual([status for status, _ in watchers[0].seen], [serving_status, not_serving])

    def test_an_idle_server_with_a_watcher_stops_with_0(self):
        server = GrpcServer("smollm2")
        watcher = Watcher(server, "")
        watcher.start()
        self.assertTrue(watcher.changed.wait(10))
        self.assertEqual(server.stop(), 0)
        watcher.join(serving.STOP_SECONDS_MAX)


if __name__ == "__main__":
    serving.run_tests("smollm2")
