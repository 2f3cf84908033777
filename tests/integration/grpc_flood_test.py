"""Clients that begin gRPC messages and never end them: the server keeps its memory and serves."""

import os
import pathlib
import select
import socket
import struct
import time
import unittest

import grpc
import h2.config
import h2.connection
import h2.exceptions

import grpc_serving

CONNECTIONS = 12
STREAMS_OF_EACH = 8
MESSAGE_BYTES = 15 << 20  # less than max-body-bytes: each is one that may be sent
MEMORY_FLAGS = ("--max-request-memory", "64MiB")
# The flag, gRPC's own share, and what is received before gRPC looks.
GROWTH_BYTES_MAX = (64 + 64 + 96) << 20


def resident_bytes(server):
    pages = int(pathlib.Path(f"/proc/{server.process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


class UnfinishedCalls:
    """A connection whose calls send all but the last byte of their message, as fast as they may."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        config = h2.config.H2Configuration(client_side=True, header_encoding="utf-8")
        self.http2 = h2.connection.H2Connection(config)
        self.http2.initiate_connection()
        self.bytes_left = {}
        for _ in range(STREAMS_OF_EACH):
            stream = self.http2.get_next_available_stream_id()
            self.http2.send_headers(stream, [
                (":method", "POST"), (":scheme", "http"), (":authority", "any"),
                (":path", "/oriel.v1.Generation/Generate"), ("te", "trailers"),
                ("content-type", "application/grpc")])
            self.http2.send_data(stream, struct.pack(">BI", 0, MESSAGE_BYTES))
            self.bytes_left[stream] = MESSAGE_BYTES - 1

    def send_what_fits(self):
        """Writes what the server's windows allow; False once it has closed the connection."""
        try:
            while select.select([self.socket], [], [], 0)[0]:
                received = self.socket.recv(1 << 16)
                if not received:
                    return False
                self.http2.receive_data(received)
            for stream in list(self.bytes_left):
                self._fill(stream)
            self.socket.sendall(self.http2.data_to_send())
        except (OSError, h2.exceptions.ProtocolError):
            return False
        return True

    def _fill(self, stream):
        try:
            window = self.http2.local_flow_control_window(stream)
            size = min(window, self.bytes_left[stream], self.http2.max_outbound_frame_size)
            if size > 0:
                self.http2.send_data(stream, bytes(size))
                self.bytes_left[stream] -= size
        except (h2.exceptions.StreamClosedError, h2.exceptions.NoSuchStreamError):
            del self.bytes_left[stream]  # reset by the server


class Flood(unittest.TestCase):
    def test_unfinished_messages_are_bounded_and_others_are_served(self):
        with grpc_serving.GrpcServer("smollm2", *MEMORY_FLAGS) as server:
            server.stub.Generate(grpc_serving.request("Once", max_tokens=4), timeout=60)
            before = resident_bytes(server)
            clients = [UnfinishedCalls(server.grpc_port) for _ in range(CONNECTIONS)]
            for client in clients:
                self.addCleanup(client.socket.close)
            largest = before
            served = 0
            end = time.monotonic() + 8
            while time.monotonic() < end:
                for _ in range(50):
                    clients = [client for client in clients if client.send_what_fits()]
                largest = max(largest, resident_bytes(server))
                try:
                    server.stub.Generate(grpc_serving.request("Once", max_tokens=4), timeout=10)
                    served += 1
                except grpc.RpcError as error:
                    self.assertIn(error.code(), (grpc.StatusCode.UNAVAILABLE,
                                                 grpc.StatusCode.RESOURCE_EXHAUSTED))
            sent = sum(MESSAGE_BYTES - 1 - left for client in clients
                       for left in client.bytes_left.values())
            print(f"{served} served, grown by {(largest - before) >> 20} MiB, {len(clients)} "
                  f"connections left with {sent >> 20} MiB of messages that are not reset")
            self.assertLess(largest - before, GROWTH_BYTES_MAX)
            self.assertGreater(served, 0)
            server.stub.Generate(grpc_serving.request("Once", max_tokens=4), timeout=60)


if __name__ == "__main__":
    unittest.main(verbosity=2)
