"""The server under test with its gRPC port, and stubs made from the .proto file."""

import atexit
import pathlib
import re
import shutil
import sys
import tempfile
import time

import grpc
from grpc_tools import protoc

import serving

PROTO_ROOT = pathlib.Path(__file__).resolve().parents[2] / "proto"


def make_stubs():
    """(messages, services): the modules that protoc makes of proto/oriel/v1/generation.proto."""
    folder = tempfile.mkdtemp(prefix="oriel-stubs.")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    arguments = ["protoc", f"--proto_path={PROTO_ROOT}", f"--python_out={folder}",
                 f"--grpc_python_out={folder}", "oriel/v1/generation.proto"]
    if protoc.main(arguments) != 0:
        raise AssertionError("protoc failed")
    sys.path.insert(0, folder)
    from oriel.v1 import generation_pb2, generation_pb2_grpc
    return generation_pb2, generation_pb2_grpc


messages, services = make_stubs()


class GrpcServer(serving.Server):
    """A running server with a gRPC port of its own choice."""

    def __init__(self, model="smollm2", *flags):
        super().__init__(model, *flags, grpc_port="0")
        self.grpc_port = self.wait_for_grpc_port()
        self.channel = self.open_channel()
        self.stub = services.GenerationStub(self.channel)

    def wait_for_grpc_port(self):
        """The log names it; the line may come a moment after the server is ready."""
        deadline = time.monotonic() + serving.START_SECONDS_MAX
        while time.monotonic() < deadline:
            match = re.search(r"listening for gRPC on \S+:(\d+)", self.log_text())
            if match:
                return int(match[1])
            time.sleep(0.01)
        raise AssertionError(f"no gRPC port in the log:\n{self.log_text()}")

    def open_channel(self):
        """A connection that shares nothing with other channels to the same port."""
        return grpc.insecure_channel(f"127.0.0.1:{self.grpc_port}", options=[
            ("grpc.use_local_subchannel_pool", 1), ("grpc.max_receive_message_length", -1),
            ("grpc.enable_http_proxy", 0)])


def request(prompt, **fields):
    """A request for a greedy answer to a text."""
    sampling = messages.SamplingParameters(temperature=0)
    sampling.MergeFrom(fields.pop("sampling", messages.SamplingParameters()))
    return messages.GenerateRequest(text=prompt, sampling=sampling, **fields)


def trailers_of(error):
    return {key: value for key, value in error.trailing_metadata()}
