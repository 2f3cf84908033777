"""Clients that begin gRPC messages and never end them: the server keeps its memory and serves."""

import pathlib
import re
import select
import socket
import struct
import threading
import time
import unittest

import grpc
import h2.config
import h2.connection
import h2.exceptions

import grpc_serving

STREAMS_OF_EACH = 8
MESSAGE_BYTES = 15 << 20  # less than max-body-bytes: each is one that may be sent
MEMORY_FLAGS = ("--max-request-memory", "64MiB")
# The flag, gRPC's own share, and what is received before gRPC looks.
GROWTH_BYTES_MAX = (64 + 64 + 96) << 20
SENT_BYTES_LEAST = 3 * GROWTH_BYTES_MAX
SECONDS_MAX = 90


def peak_resident_bytes(server):
    status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) << 10


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
        """Writes what the server's windows allow, and returns how much; None once the connection
        is of no more use."""
        try:
            while select.select([self.socket], [], [], 0)[0]:
                received = self.socket.recv(1 << 16)
                if not received:
                    return None
                self.http2.receive_data(received)
            sent = sum(self._fill(stream) for stream in list(self.bytes_left))
            self.socket.sendall(self.http2.data_to_send())
        except (OSError, h2.exceptions.ProtocolError):
            return None
        return sent if self.bytes_left else None

    def _fill(self, stream):
        try:
            window = self.http2.local_flow_control_window(stream)
            size = min(window, self.bytes_left[stream], self.http2.max_outbound_frame_size)
            if size > 0:
                self.http2.send_data(stream, bytes(size))
                self.bytes_left[stream] -= size
            return size
        except (h2.exceptions.StreamClosedError, h2.exceptions.NoSuchStreamError):
            del self.bytes_left[stream]  # reset by the server
            return 0


class Flood(threading.Thread):
    """Sends from several connections, a new one in the place of each that the server ends."""

    CONNECTIONS = 12

    def __init__(self, port):
        super().__init__(daemon=True)
        self.port = port
        self.sent_bytes = 0
        self.stopping = False

    def run(self):
        clients = []
        while not self.stopping:
            while len(clients) < self.CONNECTIONS:
                clients.append(UnfinishedCalls(self.port))
            for client in list(clients):
                sent = client.send_what_fits()
                if sent is None:
                    client.socket.close()
                    clients.remove(client)
                self.sent_bytes += sent or 0
            time.sleep(0.001)
        for client in clients:
            client.socket.close()


class FloodTest(unittest.TestCase):
    def test_unfinished_messages_are_bounded_and_others_are_served(self):
        with grpc_serving.GrpcServer("smollm2", *MEMORY_FLAGS) as server:
            def answer():
                server.stub.Generate(grpc_serving.request("Once", max_tokens=4), timeout=60)
            answer()
            before = peak_resident_bytes(server)
            flood = Flood(server.grpc_port)
            flood.start()
            served = refused = 0
            end = time.monotonic() + SECONDS_MAX
            while flood.sent_bytes < SENT_BYTES_LEAST or served < 20:
                self.assertLess(time.monotonic(), end,
                                f"{flood.sent_bytes} bytes sent, {served} served")
                try:
                    answer()
                    served += 1
                except grpc.RpcError as error:
                    # Under pressure gRPC ends streams and connections whoever's they are.
                    self.assertIn(error.code(), (grpc.StatusCode.UNAVAILABLE,
                                                 grpc.StatusCode.RESOURCE_EXHAUSTED))
                    refused += 1
            grown = peak_resident_bytes(server) - before
            print(f"{flood.sent_bytes >> 20} MiB sent, grown by {grown >> 20} MiB at most; "
                  f"{served} served, {refused} refused")
            self.assertLess(grown, GROWTH_BYTES_MAX)
            flood.stopping = True
            flood.join()
            answer()


if __name__ == "__main__":
    unittest.main(verbosity=2)
